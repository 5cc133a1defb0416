#include "valley/data/cifar.h"

#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "valley/core/random.h"
#include "valley/data/test_files.h"

namespace valley::cifar_test {
namespace {

using testing::ElementsAre;

const std::vector<std::string> kFiles = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                         "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"};

/// Records with these labels, each a list of the bytes before the pixels.
Bytes records(const std::vector<Bytes>& labels, uint64_t seed) {
  Random random(seed);
  Bytes bytes;
  for (const Bytes& label : labels) {
    bytes.insert(bytes.end(), label.begin(), label.end());
    for (int k = 0; k < 3072; ++k) bytes.push_back(static_cast<uint8_t>(random.next()));
  }
  return bytes;
}

void write_cifar10(const std::string& folder) {
  std::filesystem::create_directories(folder);
  for (size_t k = 0; k < kFiles.size(); ++k)
    write_file(folder + "/" + kFiles[k], records({{uint8_t(k)}, {uint8_t(9 - k)}}, k));
}

TEST(Cifar, RoundTripOfCifar10) {
  const DataFolder folder;
  write_cifar10(folder.string());
  const auto [train, test] = load_cifar10(folder.string());
  EXPECT_THAT(train->inputs.sizes().vec(), ElementsAre(10, 3, 32, 32));
  EXPECT_THAT(test->inputs.sizes().vec(), ElementsAre(2, 3, 32, 32));
  EXPECT_EQ(train->classes, 10);
  const int64_t* target = train->targets.data_ptr<int64_t>();
  EXPECT_THAT(std::vector<int64_t>(target, target + 10), ElementsAre(0, 9, 1, 8, 2, 7, 3, 6, 4, 5));
  EXPECT_EQ(test->targets[0].item<int64_t>(), 5);
  for (int k = 0; k < 5; ++k) {
    const Bytes bytes = file_bytes(folder / kFiles[k]);
    const uint8_t* pixels = train->inputs.data_ptr<uint8_t>() + 2 * k * 3072;
    EXPECT_TRUE(std::equal(pixels, pixels + 3072, bytes.begin() + 1));
    EXPECT_TRUE(std::equal(pixels + 3072, pixels + 2 * 3072, bytes.begin() + 3073 + 1));
  }
  const Bytes bytes = file_bytes(folder / "test_batch.bin");
  EXPECT_TRUE(std::equal(bytes.end() - 3072, bytes.end(), test->inputs.data_ptr<uint8_t>() + 3072));

  const at::Tensor scaled = train->inputs.to(at::kDouble).div(255);
  ASSERT_EQ(train->mean.size(), 3u);
  for (int c = 0; c < 3; ++c) {
    const at::Tensor channel = scaled.select(1, c);
    EXPECT_NEAR(train->mean[c], channel.mean().item<double>(), 1e-7);
    EXPECT_NEAR(train->stddev[c], channel.std(/*unbiased=*/false).item<double>(), 1e-7);
  }
  EXPECT_EQ(test->mean, train->mean);
  EXPECT_EQ(test->stddev, train->stddev);
}

TEST(Cifar, TheUnpackedArchiveIsFoundInside) {
  const DataFolder folder;
  write_cifar10(folder / "cifar-10-batches-bin");
  const DataSplits outside = load_cifar10(folder.string());
  const DataSplits inside = load_cifar10(folder / "cifar-10-batches-bin");
  EXPECT_TRUE(at::equal(outside.train->inputs, inside.train->inputs));
}

TEST(Cifar, FineLabelsOfCifar100) {
  const DataFolder folder;
  std::filesystem::create_directory(folder / "cifar-100-binary");
  const Bytes train_bytes = records({{19, 99}, {3, 0}}, 1);
  write_file(folder / "cifar-100-binary/train.bin", train_bytes);
  write_file(folder / "cifar-100-binary/test.bin", records({{4, 41}}, 2));
  const auto [train, test] = load_cifar100(folder.string());
  EXPECT_EQ(train->classes, 100);
  EXPECT_EQ(train->targets[0].item<int64_t>(), 99);
  EXPECT_EQ(train->targets[1].item<int64_t>(), 0);
  EXPECT_EQ(test->targets[0].item<int64_t>(), 41);
  const uint8_t* pixels = train->inputs.data_ptr<uint8_t>();
  EXPECT_TRUE(std::equal(pixels, pixels + 3072, train_bytes.begin() + 2));
  EXPECT_TRUE(std::equal(pixels + 3072, pixels + 2 * 3072, train_bytes.begin() + 3074 + 2));

  write_file(folder / "cifar-100-binary/test.bin", records({{4, 41}, {0, 100}}, 2));
  EXPECT_EQ(usage_error([&] { load_cifar100(folder.string()); }),
            (folder / "cifar-100-binary/test.bin") + ": label 100 in record 1, expected 0 to 99");
}

TEST(Cifar, DamagedFiles) {
  for (const std::string& name : kFiles) {
    const DataFolder folder;
    write_cifar10(folder.string());
    const std::string path = folder / name;
    const auto error = [&] { return usage_error([&] { load_cifar10(folder.string()); }); };

    Bytes bytes = file_bytes(path);
    bytes.pop_back();
    write_file(path, bytes);
    EXPECT_EQ(error(), path + " is damaged: 6145 bytes is no multiple of the 3073 of a record");
    write_file(path, records({{3}, {7}, {10}}, 0));
    EXPECT_EQ(error(), path + ": label 10 in record 2, expected 0 to 9");
    write_file(path, {});
    EXPECT_EQ(error(), path + " is empty");
    std::filesystem::remove(path);
    EXPECT_EQ(error(), "data file " + path +
                           " is missing; unpack cifar-10-binary.tar.gz "
                           "(https://www.cs.toronto.edu/~kriz/cifar.html) and give its folder as "
                           "cifar10:PATH");
  }
}

TEST(Cifar, AFileWhereTheFolderShouldBe) {
  const DataFolder folder;
  write_cifar10(folder.string());
  EXPECT_EQ(usage_error([&] { load_cifar10(folder / "test_batch.bin"); }),
            (folder / "test_batch.bin") +
                " is a file; cifar10:PATH takes the folder that holds data_batch_1.bin");
}

}  // namespace
}  // namespace valley::cifar_test
