#include "valley/data/table_data.h"

#include <gmock/gmock.h>

#include "valley/data/csv.h"
#include "valley/data/notes.h"
#include "valley/data/test_files.h"

namespace valley::table_data_test {
namespace {

using testing::ElementsAre;
using testing::FloatNear;
using testing::HasSubstr;

Bytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

class Table : public testing::Test {
 protected:
  void save(const std::string& name, const std::string& text) {
    write_file(folder_ / name, bytes_of(text));
  }
  CsvTable csv(const std::string& text) {
    save("t.csv", text);
    return read_csv(folder_ / "t.csv");
  }
  DataSplits load(DataOptions options = {}) {
    const DataNotes notes;
    DataSplits data = load_table(folder_.string(), options);
    notes_ = notes.texts();
    return data;
  }
  std::string shortened(std::string text) const {
    const std::string prefix = folder_.string() + "/";
    for (size_t at = text.find(prefix); at != text.npos; at = text.find(prefix))
      text.erase(at, prefix.size());
    return text;
  }
  std::string csv_error(const std::string& text) {
    return shortened(usage_error([&] { csv(text); }));
  }
  std::string error(DataOptions options = {}) {
    return shortened(usage_error([&] { load(options); }));
  }

  DataFolder folder_;
  std::vector<std::string> notes_;
};

TEST_F(Table, QuotesAndDelimiters) {
  const CsvTable table = csv("a,\"b, c\"\n1,\"say \"\"hi\"\"\"\n\n2,\"two\nlines\"\n");
  EXPECT_THAT(table.names, ElementsAre("a", "b, c"));
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_THAT(table.rows[0], ElementsAre("1", "say \"hi\""));
  EXPECT_THAT(table.rows[1], ElementsAre("2", "two\nlines"));
  EXPECT_THAT(csv("a;b\n1;2,5\n").rows[0], ElementsAre("1", "2,5"));
  EXPECT_THAT(csv("a\tb\n1\t2\n").names, ElementsAre("a", "b"));
  EXPECT_THAT(csv("\xef\xbb\xbfx,y\r\n1,2\r\n").names, ElementsAre("x", "y"));
}

TEST_F(Table, WithoutAHeader) {
  const CsvTable table = csv("1,2,\n3,4,5");
  EXPECT_FALSE(table.has_header);
  EXPECT_THAT(table.names, ElementsAre("1", "2", "3"));
  EXPECT_EQ(table.rows.size(), 2u);
}

TEST_F(Table, PackedFiles) {
  write_gzip(folder_ / "p.csv.gz", bytes_of("a,b\n1,2\n"));
  EXPECT_THAT(read_csv(folder_ / "p.csv.gz").rows[0], ElementsAre("1", "2"));
}

TEST_F(Table, SaysWhichRowIsWrong) {
  EXPECT_EQ(csv_error("a,b\n1,2\n3\n"), "t.csv: row 3 has 1 fields, the first 2");
  EXPECT_THAT(csv_error("a,b\n1,\"2\n"), testing::StartsWith("t.csv: row 2: "));
  EXPECT_THAT(csv_error("a,b\n1,x\"y\"\n"), testing::StartsWith("t.csv: row 2: "));
  EXPECT_EQ(csv_error("a,a\n1,2\n"), "t.csv: two columns are named 'a'");
  EXPECT_EQ(csv_error("a,b\n"), "t.csv holds a header and no rows");
  EXPECT_EQ(csv_error("\n\n"), "t.csv holds no rows");
}

TEST_F(Table, NumbersTextsAndClasses) {
  save("train.csv", "size,colour,kind\n1,red,10\n3,blue,9\n,red,10\n");
  save("test.csv", "size,colour,kind\n5,green,9\n");
  const auto [train, test] = load();
  EXPECT_THAT(train->inputs.sizes().vec(), ElementsAre(3, 3, 1, 1));
  EXPECT_THAT(train->mean, ElementsAre(2, 0, 0));
  EXPECT_THAT(train->stddev, ElementsAre(1, 1, 1));
  const float* x = train->inputs.data_ptr<float>();
  EXPECT_THAT(std::vector<float>(x, x + 9), ElementsAre(1, 0, 1, 3, 1, 0, 2, 0, 1));  // blue, red
  EXPECT_THAT(train->class_names, ElementsAre("9", "10"));                            // as numbers
  EXPECT_EQ(train->targets[0].item<int64_t>(), 1);
  EXPECT_EQ(test->inputs[0][1][0][0].item<float>(), 0);
  EXPECT_EQ(test->inputs[0][2][0][0].item<float>(), 0);
  EXPECT_EQ(test->mean, train->mean);
  ASSERT_EQ(notes_.size(), 3u);
  EXPECT_THAT(notes_[0], HasSubstr("the target is the last column, 'kind'"));
  EXPECT_THAT(notes_[1], HasSubstr("1 of 3 numbers of 'size' are missing: taken as the mean, 2"));
  EXPECT_THAT(notes_[2], HasSubstr("1 rows have texts of 'colour' that no training row has"));
}

TEST_F(Table, RealTargets) {
  save("train.csv", "y,x\n10,1\n20,2\n?,3\n");
  save("test.csv", "y,x\n30,1\n");
  const auto [train, test] = load({.target = "y", .real_targets = true});
  EXPECT_THAT(train->targets.sizes().vec(), ElementsAre(2, 1));
  EXPECT_NEAR(train->targets[0][0].item<float>(), -1, 1e-6);
  EXPECT_NEAR(test->targets[0][0].item<float>(), 3, 1e-6);
  ASSERT_EQ(notes_.size(), 2u);
  EXPECT_THAT(notes_[0], HasSubstr("1 row was left out, without the target 'y'"));
  EXPECT_EQ(notes_[1], "the target 'y' is learned as (y - 15) / 5");
}

TEST_F(Table, AFifthOfAFileIsHeldOut) {
  std::string text = "x,y\n";
  for (int i = 0; i < 50; ++i) text += fmt::format("{},{}\n", i, i % 2 == 0 ? "even" : "odd");
  save("all.csv", text);
  const DataSplits data = load_table(folder_ / "all.csv", {.seed = 1});
  EXPECT_EQ(data.train->size(), 40);
  EXPECT_EQ(data.test->size(), 10);
  EXPECT_EQ(data.train->inputs.sum().item<float>() + data.test->inputs.sum().item<float>(), 1225);
}

TEST_F(Table, SaysWhatIsWrong) {
  save("train.csv", "x,y\n1,a\n2,b\n");
  save("test.csv", "x,y\n1,c\n");
  EXPECT_EQ(error(), "test.csv: row 2: the class 'c' is none of those to train on, of train.csv");
  save("test.csv", "x,y\n1,7\n");
  EXPECT_EQ(error(),
            "test.csv: row 2: the class '7' is none of those to train on, of train.csv; for "
            "numbers: task regression");
  EXPECT_EQ(error({.target = "z"}), "unknown target column of train.csv 'z'; known: x, y");
  EXPECT_EQ(error({.target = "y", .real_targets = true}),
            "train.csv: row 2: the target 'y' is 'a', which is no finite number");
  save("train.csv", "x,y\n1,1e39\n2,3\n");  // beyond float32
  EXPECT_EQ(error({.target = "y", .real_targets = true}),
            "train.csv: row 2: the target 'y' is '1e39', which is no finite number");
  save("train.csv", "x,y\n1,a\n2,b\n");
  save("test.csv", "x,z\n1,c\n");
  EXPECT_EQ(error(), "train.csv has the columns x, y, but test.csv x, z");
  std::filesystem::remove(folder_ / "test.csv");
  EXPECT_EQ(error(),
            "data file test.csv(.gz) is missing; table:PATH takes a .csv file, or a folder "
            "with train.csv and test.csv");
  save("train.csv", "y\na\nb\n");
  save("test.csv", "y\na\n");
  EXPECT_EQ(error(), "train.csv has one column, and needs another one to learn from");
  std::string ids = "id,y\n";
  for (int i = 0; i < 1001; ++i) ids += fmt::format("id{},a\n", i);
  save("train.csv", ids);
  save("test.csv", "id,y\nid1,a\n");
  EXPECT_EQ(error(),
            "train.csv: the column 'id' has 1001 different texts, at most 1000 can be told "
            "apart; leave it out, or write numbers");
}

}  // namespace
}  // namespace valley::table_data_test
