#include "valley/data/table_data.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>

#include <cmath>

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

// Other tables, for a model that learned of this one: by the names of their columns.
TEST_F(Table, RowsOfOtherTablesBecomeTheSameFeatures) {
  save("train.csv", "a,kind,y\n1,x,10\n3,z,20\n5,x,30\n");
  save("test.csv", "a,kind,y\n3,z,20\n");
  const auto [train, test] = load({.target = "y", .real_targets = true});
  save("other.csv", "note,kind,a\nsome,z,3\nmore,x,\n");
  const at::Tensor rows = train->reader->read(folder_ / "other.csv").view({2, 3});
  EXPECT_TRUE(rows[0].equal(test->inputs[0].view({3})));
  EXPECT_TRUE(
      rows[1].equal(at::tensor({3.f, 1.f, 0.f})));  // the mean of training where one is missing
  EXPECT_NEAR(train->reader->value(0, 0), 20, 1e-12);
  EXPECT_NEAR(train->reader->value(0, 1), 20 + std::sqrt(200. / 3), 1e-9);
  const auto refusal = [&](const std::string& text) {
    save("other.csv", text);
    return shortened(usage_error([&] { train->reader->read(folder_ / "other.csv"); }));
  };
  EXPECT_EQ(refusal("a,y\n1,2\n"),
            "other.csv has no column 'kind', of which the model learned in train.csv");
  EXPECT_EQ(refusal("a,kind\n1,x\nlots,x\n"), "other.csv: row 3: 'a' is 'lots', expected a number");
}

// Other rows with their targets, to test a model on: neither their texts nor their numbers count.
TEST_F(Table, OtherSetsAreReadAsTheOneThatWasLearned) {
  save("train.csv", "a,kind,y\n1,x,cat\n3,z,dog\n5,x,cow\n");
  save("test.csv", "a,kind,y\n3,z,dog\n");
  const auto [train, test] = load();
  DataFolder other;
  const auto save_there = [&](const std::string& name, const std::string& text) {
    write_file(other / name, bytes_of(text));
  };
  save_there("train.csv", "y,kind,a\ndog,z,3\n,z,1\n");
  save_there("test.csv", "y,kind,a\ncow,w,100\ndog,z,3\n");
  const DataSplits read = train->reader->splits(other.string(), {});
  EXPECT_EQ(read.train->size(), 1);
  EXPECT_TRUE(read.test->inputs[1].equal(test->inputs[0]));
  EXPECT_TRUE(read.test->inputs[0].view({3}).equal(at::tensor({100.f, 0.f, 0.f})));
  EXPECT_TRUE(read.test->targets.equal(at::tensor({1, 2}, at::kLong)));
  EXPECT_EQ(read.test->class_names, train->class_names);
  const auto refusal = [&](const std::string& text) {
    save_there("test.csv", text);
    save_there("train.csv", text);
    return usage_error([&] { train->reader->splits(other.string(), {}); })
        .substr(other.string().size() + 1);
  };
  EXPECT_EQ(refusal("y,kind,a\nbird,x,1\n"),
            "train.csv: row 2: the class 'bird' is none of those to train on, of " +
                (folder_ / "train.csv"));
  EXPECT_EQ(refusal("kind,a\nx,1\n"), "has no column 'y', which is the target");
}

TEST_F(Table, WithoutAHeaderTheOrderSays) {
  save("train.csv", "1,10,5\n2,20,6\n");
  save("test.csv", "1,10,5\n");
  const auto [train, test] = load({.target = "2", .real_targets = true});
  save("other.csv", "7,8\n");  // without the target
  EXPECT_TRUE(train->reader->read(folder_ / "other.csv").view({2}).equal(at::tensor({7.f, 8.f})));
  save("other.csv", "7,0,8\n");
  EXPECT_TRUE(train->reader->read(folder_ / "other.csv").view({2}).equal(at::tensor({7.f, 8.f})));
}

TEST_F(Table, SeveralTargets) {
  save("train.csv", "a,p,q\n1,0,1\n2,1,1\n3,0,0\n");
  save("test.csv", "a,p,q\n1,1,0\n");
  const auto [train, test] = load({.target = "q,p", .many_labels = true});
  EXPECT_THAT(train->class_names, ElementsAre("p", "q"));
  EXPECT_EQ(train->classes, 2);
  EXPECT_TRUE(train->targets.equal(at::tensor({0.f, 1.f, 1.f, 1.f, 0.f, 0.f}).view({3, 2})));
  EXPECT_EQ(train->inputs.size(1), 1);
  const auto [values, rest] = load({.target = "p,q", .real_targets = true});
  EXPECT_NEAR(values->targets.select(1, 1).mean().item<double>(), 0, 1e-6);
  EXPECT_NEAR(values->reader->value(1, 0), 2. / 3, 1e-9);
  const DataSplits again = values->reader->splits(folder_.string(), {.seed = 0});
  EXPECT_TRUE(again.test->targets.equal(rest->targets));  // by the mean of the training rows
  EXPECT_EQ(error({.target = "p,p", .real_targets = true}), "target p,p names a column twice");
  EXPECT_EQ(error({.target = "a,p,q", .real_targets = true}),
            "target a,p,q: no column is left to learn from");
  save("test.csv", "a,p,q\n1,2,0\n");
  EXPECT_EQ(error({.target = "p,q", .many_labels = true}),
            "test.csv: row 2: the label 'p' is '2', expected 0 or 1");
  EXPECT_THAT(error({.target = "p,x", .many_labels = true}), HasSubstr("unknown target column"));
}

}  // namespace
}  // namespace valley::table_data_test
