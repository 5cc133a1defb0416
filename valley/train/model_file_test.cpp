#include "valley/train/model_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/record/json_file.h"

namespace valley::model_file_test {
namespace {

namespace fs = std::filesystem;

class ModelFile : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(folder / "run");
    spill(folder / "net.pt", "123456789");
    config.model = (folder / "net.pt").string();
    config.out = (folder / "run").string();
  }

  const TestFolder folder;
  RunConfig config;
};

TEST_F(ModelFile, TheRunKeepsACopyThatOutlivesTheOriginal) {
  EXPECT_EQ(model_to_load(config), config.model);
  keep_model_file(config);
  const std::string copy = config.out + "/initial.pt";
  EXPECT_EQ(slurp(copy), "123456789");
  EXPECT_EQ(read_json(folder / "run" / "initial.json"),
            (Json{{"model", config.model}, {"content", {{"bytes", 9}, {"crc32c", "e3069283"}}}}));
  EXPECT_EQ(model_to_load(config), copy);
  require_same_model_file(config);
  fs::remove(config.model);
  EXPECT_EQ(model_to_load(config), copy);
  require_same_model_file(config);  // nothing is there to differ

  fs::rename(config.out, folder / "moved");
  config.out = (folder / "moved").string();
  EXPECT_EQ(model_to_load(config), (folder / "moved/initial.pt").string());
}

// A file that happens to have the name is not taken for the copy.
TEST_F(ModelFile, WithoutARecordThereIsNoCopy) {
  spill(folder / "run" / "initial.pt", "mine");
  EXPECT_EQ(model_to_load(config), config.model);
  config.model = "lenet";
  keep_model_file(config);
  EXPECT_EQ(model_to_load(config), "lenet");
  EXPECT_FALSE(fs::exists(folder / "run" / "initial.json"));
}

TEST_F(ModelFile, AnotherFileOfEqualSizeIsRefusedByName) {
  keep_model_file(config);
  spill(config.model, "123456788");
  EXPECT_EQ(model_to_load(config), config.out + "/initial.pt");
  EXPECT_EQ(error_of<UsageError>([&] { require_same_model_file(config); }),
            config.out + " holds a run of " + config.model +
                " as it was then (9 bytes, CRC-32C e3069283); the file has changed since (9 bytes, "
                "CRC-32C 116d1180); choose another out");
  spill(folder / "run" / "initial.pt", "123456788");
  EXPECT_EQ(error_of<UsageError>([&] { model_to_load(config); }),
            config.out + "/initial.pt is not the file that the run began with, " + config.model +
                ": it has 9 bytes, CRC-32C 116d1180, initial.json says 9 bytes, CRC-32C e3069283");
  fs::remove(folder / "run" / "initial.pt");
  EXPECT_EQ(error_of<UsageError>([&] { model_to_load(config); }),
            "cannot read " + config.out + "/initial.pt: No such file or directory");
  spill(folder / "run" / "initial.json", "{}");
  EXPECT_EQ(error_of<UsageError>([&] { model_to_load(config); }),
            config.out + "/initial.json is damaged");
}

TEST_F(ModelFile, WhatCannotBeReadOrWrittenIsSaid) {
  config.model = (folder / "none.pt").string();
  EXPECT_EQ(error_of<UsageError>([&] { keep_model_file(config); }),
            "cannot read " + config.model + ": No such file or directory");
  EXPECT_FALSE(fs::exists(folder / "run" / "initial.pt"));
}

TEST_F(ModelFile, WeightsToBeginWithAreKeptLikewise) {
  config.model = "lenet";
  EXPECT_EQ(weights_to_load(config), "");
  keep_initial_weights(config);
  EXPECT_FALSE(fs::exists(folder / "run" / "init.json"));

  fs::create_directory(folder / "earlier");
  spill(folder / "earlier" / "model.safetensors", "123456789");
  config.init = (folder / "earlier").string();
  const std::string file = config.init + "/model.safetensors";
  EXPECT_EQ(weights_to_load(config), file);
  keep_initial_weights(config);
  EXPECT_EQ(read_json(folder / "run" / "init.json"),
            (Json{{"init", file}, {"content", {{"bytes", 9}, {"crc32c", "e3069283"}}}}));
  const std::string copy = config.out + "/initial.safetensors";
  EXPECT_EQ(weights_to_load(config), copy);
  require_same_model_file(config);
  spill(file, "123456788");
  EXPECT_TRUE(error_of<UsageError>([&] {
                require_same_model_file(config);
              }).starts_with(config.out + " holds a run of " + file + " as it was then ("));
  fs::remove(file);
  EXPECT_EQ(weights_to_load(config), copy);
  spill(copy, "12345678");
  EXPECT_TRUE(error_of<UsageError>([&] {
                weights_to_load(config);
              }).starts_with(copy + " is not the file that the run began with, " + file));
}

}  // namespace
}  // namespace valley::model_file_test
