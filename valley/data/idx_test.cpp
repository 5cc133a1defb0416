#include "valley/data/idx.h"

#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "valley/data/test_files.h"
#include "valley/data/test_notes.h"

namespace valley::idx_test {
namespace {

using testing::ElementsAre;

const std::string kInstalled = "/usr/share/datasets/fashion-mnist/";

Bytes counting(int n) {
  Bytes bytes(n);
  std::iota(bytes.begin(), bytes.end(), 0);
  return bytes;
}

Bytes cut(Bytes bytes, size_t size) {
  EXPECT_LT(size, bytes.size());
  bytes.resize(size);
  return bytes;
}

/// Three training and two test images of 2 x 2.
struct SmallSet : DataFolder {
  SmallSet() {
    write_file(*this / "train-images-idx3-ubyte", idx_bytes({3, 2, 2}, counting(12)));
    write_file(*this / "train-labels-idx1-ubyte", idx_bytes({3}, {9, 0, 4}));
    write_file(*this / "t10k-images-idx3-ubyte", idx_bytes({2, 2, 2}, counting(8)));
    write_file(*this / "t10k-labels-idx1-ubyte", idx_bytes({2}, {1, 2}));
  }
  DataSplits load() const { return load_mnist_format(string(), "mnist:PATH", "get it"); }
};

TEST(Idx, ReadsPlainAndGzipAlike) {
  const DataFolder folder;
  const Bytes bytes = idx_bytes({2, 3, 4}, counting(24));
  write_file(folder / "plain", bytes);
  write_gzip(folder / "packed", bytes);
  const at::Tensor plain = read_idx(folder / "plain", 3);
  EXPECT_THAT(plain.sizes().vec(), ElementsAre(2, 3, 4));
  EXPECT_EQ(plain.scalar_type(), at::kByte);
  for (int k = 0; k < 24; ++k) EXPECT_EQ(plain.data_ptr<uint8_t>()[k], k);
  EXPECT_TRUE(at::equal(plain, read_idx(folder / "packed", 3)));
}

TEST(Idx, TheInstalledFileReadsTheSameUnpacked) {
  const at::Tensor packed = read_idx(kInstalled + "t10k-images-idx3-ubyte.gz", 3);
  EXPECT_THAT(packed.sizes().vec(), ElementsAre(10000, 28, 28));
  const uint8_t* data = packed.data_ptr<uint8_t>();
  const DataFolder folder;
  write_file(folder / "plain", idx_bytes({10000, 28, 28}, Bytes(data, data + packed.numel())));
  EXPECT_TRUE(at::equal(packed, read_idx(folder / "plain", 3)));
}

TEST(Idx, WrongMagicNumber) {
  const DataFolder folder;
  const std::string path = folder / "x";
  write_file(path, idx_bytes({3}, {1, 2, 3}));
  EXPECT_EQ(usage_error([&] { read_idx(path, 3); }),
            path + " is no IDX image file: magic number 0x00000801 instead of 0x00000803");
  write_file(path, Bytes{'P', 'K', 3, 4});
  EXPECT_EQ(usage_error([&] { read_idx(path, 1); }),
            path + " is no IDX label file: magic number 0x504b0304 instead of 0x00000801");
}

TEST(Idx, EveryCutOfAFileIsFound) {
  const DataFolder folder;
  const std::string path = folder / "x";
  const Bytes whole = idx_bytes({2, 2, 2}, counting(8));
  write_file(path, {});
  EXPECT_EQ(usage_error([&] { read_idx(path, 3); }), path + " is empty");
  for (size_t size = 1; size < whole.size(); ++size) {
    const std::string expected =
        size < 16
            ? fmt::format("{} is cut short: {} bytes, but the header alone has 16", path, size)
            : fmt::format("{} is cut short: 8 bytes expected after the header, {} found", path,
                          size - 16);
    write_file(path, cut(whole, size));
    EXPECT_EQ(usage_error([&] { read_idx(path, 3); }), expected);
    write_gzip(path, cut(whole, size));
    EXPECT_EQ(usage_error([&] { read_idx(path, 3); }), expected);
  }
}

TEST(Idx, EveryCutOfAGzipStreamIsFound) {
  const DataFolder folder;
  const std::string path = folder / "x";
  write_gzip(path, idx_bytes({40}, counting(40)));
  const Bytes packed = file_bytes(path);
  for (size_t size = 1; size < packed.size(); ++size) {
    write_file(path, cut(packed, size));
    usage_error([&] { read_idx(path, 1); });
  }
  // The last eight bytes are the checksum and the length: every value can be read without them.
  write_file(path, cut(packed, packed.size() - 8));
  EXPECT_EQ(usage_error([&] { read_idx(path, 1); }),
            path + " is cut short: its gzip stream does not end");
  Bytes wrong = packed;
  wrong[packed.size() - 8] ^= 1;
  write_file(path, wrong);
  EXPECT_EQ(usage_error([&] { read_idx(path, 1); }),
            "cannot read " + path + ": incorrect data check");
}

TEST(Idx, TheInstalledFileCutShort) {
  const DataFolder folder;
  const std::string path = folder / "train-images-idx3-ubyte.gz";
  Bytes packed = file_bytes(kInstalled + "train-images-idx3-ubyte.gz");
  write_file(path, cut(packed, packed.size() / 20));
  EXPECT_THAT(usage_error([&] { read_idx(path, 3); }),
              testing::MatchesRegex(
                  ".*gz is cut short: 47040000 bytes expected after the header, [0-9]+ found"));
}

TEST(Idx, TrailingBytes) {
  const DataFolder folder;
  const std::string path = folder / "x";
  for (const auto& write : {&write_file, &write_gzip}) {
    write(path, idx_bytes({3}, {1, 2, 3, 4, 5}));
    EXPECT_EQ(usage_error([&] { read_idx(path, 1); }),
              path + " is too long: 3 bytes expected after the header, 5 found");
  }
}

TEST(Idx, AHeaderThatLiesTakesNoMemory) {
  const DataFolder folder;
  const std::string path = folder / "x";
  for (const auto& write : {&write_file, &write_gzip}) {
    write(path, idx_bytes({1u << 31, 28, 28}, counting(10)));
    EXPECT_EQ(usage_error([&] { read_idx(path, 3); }),
              path + " is cut short: 1683627180032 bytes expected after the header, 10 found");
    write(path, idx_bytes({~0u, ~0u, ~0u}, counting(10)));
    EXPECT_EQ(usage_error([&] { read_idx(path, 3); }),
              path + ": its header claims more values than any file can hold");
  }
}

TEST(Idx, NoExamples) {
  const DataFolder folder;
  const std::string path = folder / "x";
  write_file(path, idx_bytes({0, 28, 28}, {}));
  EXPECT_EQ(usage_error([&] { read_idx(path, 3); }),
            path + " is empty: its header says 0 in dimension 1");
}

TEST(Idx, NoSuchFileOrNoFile) {
  const DataFolder folder;
  EXPECT_EQ(usage_error([&] { read_idx(folder / "x", 3); }),
            "data file " + (folder / "x") + " is missing");
  EXPECT_EQ(usage_error([&] { read_idx(folder.string(), 3); }),
            folder.string() + " is not an ordinary file");
}

TEST(MnistFormat, LoadsTheFourFiles) {
  const SmallSet set;
  const auto [train, test] = set.load();
  EXPECT_THAT(train->inputs.sizes().vec(), ElementsAre(3, 1, 2, 2));
  EXPECT_THAT(test->inputs.sizes().vec(), ElementsAre(2, 1, 2, 2));
  EXPECT_EQ(train->classes, 10);
  EXPECT_EQ(train->targets.scalar_type(), at::kLong);
  EXPECT_EQ(train->targets[0].item<int64_t>(), 9);
  EXPECT_EQ(test->targets[1].item<int64_t>(), 2);
  // 0 ... 11: mean 5.5, variance (12^2 - 1) / 12; the same in both splits.
  for (const auto& data : {train, test}) {
    EXPECT_FLOAT_EQ(data->mean.at(0), 5.5 / 255);
    EXPECT_FLOAT_EQ(data->stddev.at(0), std::sqrt(143.0 / 12) / 255);
  }
}

TEST(MnistFormat, EverySpellingIsFound) {
  const SmallSet set;
  const DataSplits plain = set.load();
  const auto respell = [&](const std::string& from, const std::string& to) {
    std::filesystem::rename(set / from, set / to);
  };
  respell("train-images-idx3-ubyte", "train-images.idx3-ubyte");
  respell("t10k-labels-idx1-ubyte", "t10k-labels.idx1-ubyte");
  write_gzip(set / "train-labels.idx1-ubyte.gz", file_bytes(set / "train-labels-idx1-ubyte"));
  write_gzip(set / "t10k-images-idx3-ubyte.gz", file_bytes(set / "t10k-images-idx3-ubyte"));
  std::filesystem::remove(set / "train-labels-idx1-ubyte");
  std::filesystem::remove(set / "t10k-images-idx3-ubyte");
  const DataSplits respelled = set.load();
  EXPECT_TRUE(at::equal(plain.train->inputs, respelled.train->inputs));
  EXPECT_TRUE(at::equal(plain.train->targets, respelled.train->targets));
  EXPECT_TRUE(at::equal(plain.test->inputs, respelled.test->inputs));
  EXPECT_TRUE(at::equal(plain.test->targets, respelled.test->targets));
}

// EMNIST's letters are 1 to 26: an output for each of the values 0 to 26.
TEST(MnistFormat, LabelsDecideTheNumberOfClasses) {
  const SmallSet set;
  write_file(set / "train-labels-idx1-ubyte", idx_bytes({3}, {1, 26, 2}));
  DataSplits data = set.load();
  EXPECT_EQ(data.train->classes, 27);
  EXPECT_EQ(data.test->classes, 27);
  EXPECT_EQ(data.train->targets[1].item<int64_t>(), 26);
  EXPECT_THAT(notes_of([&] { set.load(); }), ElementsAre());
  // A class that training lacks is no error, but somebody should know.
  write_file(set / "t10k-labels-idx1-ubyte", idx_bytes({2}, {7, 26}));
  EXPECT_THAT(notes_of([&] { set.load(); }),
              ElementsAre((set / "t10k-labels-idx1-ubyte") +
                          ": 1 test image is of a class that no training image has"));
  write_file(set / "t10k-labels-idx1-ubyte", idx_bytes({2}, {7, 0}));
  EXPECT_THAT(notes_of([&] { set.load(); }),
              ElementsAre((set / "t10k-labels-idx1-ubyte") +
                          ": 2 test images are of 2 classes that no training image has"));
}

struct Emnist : DataFolder {
  void write(const std::string& set, uint8_t largest, const std::string& test = "test") {
    write_gzip(*this / (set + "train-images-idx3-ubyte.gz"), idx_bytes({1, 2, 2}, counting(4)));
    write_gzip(*this / (set + "train-labels-idx1-ubyte.gz"), idx_bytes({1}, {largest}));
    write_gzip(*this / (set + test + "-images-idx3-ubyte.gz"), idx_bytes({1, 2, 2}, counting(4)));
    write_gzip(*this / (set + test + "-labels-idx1-ubyte.gz"), idx_bytes({1}, {largest}));
  }
  DataSplits load(const std::string& path) const {
    return load_mnist_format(path, "mnist:PATH", "get it");
  }
};

TEST(MnistFormat, NamedSets) {
  Emnist set;
  set.write("emnist-letters-", 26);
  EXPECT_EQ(set.load(set.string()).train->classes, 27);
  set.write("emnist-byclass-", 61);
  EXPECT_EQ(usage_error([&] { set.load(set.string()); }),
            set.string() +
                " holds several sets, emnist-byclass, emnist-letters; say which: mnist:" +
                (set / "emnist-byclass"));
  EXPECT_EQ(set.load(set / "emnist-byclass").train->classes, 62);
  EXPECT_EQ(set.load(set / "emnist-letters").train->classes, 27);
  EXPECT_THAT(notes_of([&] { set.load(set / "emnist-letters"); }), ElementsAre());
  EXPECT_EQ(
      usage_error([&] { set.load(set / "emnist-digits"); }),
      "data file " + (set / "emnist-digits/train-images-idx3-ubyte") + "(.gz) is missing; get it");
  // A file of each: nothing is put together out of two sets.
  std::filesystem::remove(set / "emnist-letters-test-labels-idx1-ubyte.gz");
  EXPECT_EQ(
      usage_error([&] { set.load(set / "emnist-letters"); }),
      "data file " + (set / "emnist-letters-test-labels-idx1-ubyte") + "(.gz) is missing; get it");

  set.write("", 9, "t10k");
  const DataSplits plain = set.load(set.string());
  EXPECT_EQ(plain.train->classes, 10);
  EXPECT_THAT(notes_of([&] { set.load(set.string()); }),
              ElementsAre("mnist:" + set.string() +
                          ": other sets in this folder were left out: emnist-byclass, "
                          "emnist-letters; one of them is taken as mnist:" +
                          (set / "emnist-byclass")));
}

// One archive holds a folder of the name beside each file, another the file in such a folder.
TEST(MnistFormat, FoldersNamedLikeFiles) {
  namespace fs = std::filesystem;
  const SmallSet set;
  write_file(set / "t10k-labels-idx1-ubyte", idx_bytes({2}, {0, 9}));
  const DataSplits plain = set.load();
  fs::rename(set / "train-images-idx3-ubyte", set / "train-images.idx3-ubyte");
  fs::create_directory(set / "train-images-idx3-ubyte");
  fs::create_directory(set / "t10k-labels-idx1-ubyte.gz");
  fs::copy_file(set / "train-images.idx3-ubyte", set / "train-images-idx3-ubyte/anything");
  const DataSplits beside = set.load();
  EXPECT_TRUE(at::equal(plain.train->inputs, beside.train->inputs));
  EXPECT_THAT(notes_of([&] { set.load(); }),
              ElementsAre("mnist:" + set.string() +
                          ": 2 folders named like files were left out: t10k-labels-idx1-ubyte.gz, "
                          "train-images-idx3-ubyte"));

  fs::remove_all(set / "t10k-labels-idx1-ubyte.gz");
  fs::rename(set / "train-images.idx3-ubyte",
             set / "train-images-idx3-ubyte/train-images-idx3-ubyte");
  const DataSplits inside = set.load();
  EXPECT_TRUE(at::equal(plain.train->inputs, inside.train->inputs));
  EXPECT_THAT(notes_of([&] { set.load(); }), ElementsAre());
}

TEST(MnistFormat, MissingFiles) {
  for (const std::string name : {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                 "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}) {
    const SmallSet set;
    std::filesystem::remove(set / name);
    EXPECT_EQ(usage_error([&] { set.load(); }),
              "data file " + (set / name) + "(.gz) is missing; get it");
    std::filesystem::create_directory(set / name);
    EXPECT_EQ(usage_error([&] { set.load(); }),
              "data file " + (set / name) +
                  "(.gz) is missing, there is but a folder of this name; get it");
  }
  EXPECT_EQ(usage_error([] { load_mnist_format("/no/such", "mnist:PATH", "get it"); }),
            "data file /no/such/train-images-idx3-ubyte(.gz) is missing; get it");
  const SmallSet set;
  const std::string file = set / "t10k-images-idx3-ubyte";
  EXPECT_EQ(usage_error([&] { load_mnist_format(file, "mnist:PATH", "get it"); }),
            file + " is a file; mnist:PATH takes the folder that holds train-images-idx3-ubyte");
}

TEST(MnistFormat, FilesThatDoNotFitTogether) {
  const SmallSet set;
  const std::string images = set / "train-images-idx3-ubyte";
  const std::string labels = set / "train-labels-idx1-ubyte";
  write_file(labels, idx_bytes({2}, {1, 2}));
  EXPECT_EQ(usage_error([&] { set.load(); }),
            images + " holds 3 images but " + labels + " holds 2 labels");
  write_file(labels, idx_bytes({3}, {1, 0, 1}));
  EXPECT_EQ(usage_error([&] { set.load(); }),
            (set / "t10k-labels-idx1-ubyte") +
                ": label 2 at position 1, but the training labels are 0 to 1: " + labels);
  write_file(labels, idx_bytes({3}, {1, 9, 2}));
  write_file(images, idx_bytes({3, 2, 1}, counting(6)));
  EXPECT_EQ(usage_error([&] { set.load(); }),
            set.string() + ": training images have 2 x 1 pixels but test images 2 x 2");
}

}  // namespace
}  // namespace valley::idx_test
