#include "valley/models/device.h"

#include <ATen/core/TensorBody.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>
#include <torch/version.h>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/models/registry.h"
#include "valley/models/state_dict.h"
#include "valley/optim/flat_parameters.h"

namespace valley::device_test {
namespace {

bool has_gpu() { return !find_device("auto").is_cpu(); }

TEST(Devices, TheCpuIsAlwaysThere) { EXPECT_TRUE(find_device("cpu").is_cpu()); }

TEST(Devices, WhatIsNotThereIsSaid) {
  const std::string missing = error_of<UsageError>([] { find_device("cuda:99"); });
  if (has_gpu()) {
    EXPECT_TRUE(missing.starts_with("device cuda:99: this machine has ")) << missing;
    EXPECT_TRUE(find_device("cuda").is_cuda());
    EXPECT_EQ(find_device("cuda:0").index(), 0);
  } else {
    EXPECT_TRUE(missing == "device cuda:99: this LibTorch, " TORCH_VERSION ", is without CUDA" ||
                missing == "device cuda:99: LibTorch finds no GPU in this machine")
        << missing;
    EXPECT_FALSE(error_of<UsageError>([] { find_device("cuda"); }).empty());
  }
}

// On a machine with a GPU to it, else from the CPU to the CPU.
TEST(Devices, AModelMovesInItsPlaceWithAllItHolds) {
  const at::Device device = find_device("auto");
  const auto model = make_model("resnet-8", {.seed = 1});
  const auto before = state_dict(*model);
  const at::Tensor first = before.front().tensor.detach().cpu().clone();
  move_to(*model, device);
  EXPECT_EQ(device_of(*model), device);
  const auto after = state_dict(*model);
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_TRUE(before[i].tensor.is_same(after[i].tensor)) << before[i].name;
    EXPECT_EQ(after[i].tensor.device(), device) << after[i].name;
  }
  EXPECT_TRUE(at::equal(after.front().tensor.cpu(), first));
  const FlatParameters parameters(model->parameters(), model->buffers());
  for (const at::Tensor& flat :
       {parameters.values(), parameters.gradients(), parameters.buffers()}) {
    EXPECT_EQ(flat.device(), device);
  }
}

TEST(Devices, AModelThatIsThereStays) {
  const auto model = make_model("mlp", {.seed = 1});
  const void* before = model->parameters().front().tensor.data_ptr();
  move_to(*model, find_device("cpu"));
  EXPECT_EQ(model->parameters().front().tensor.data_ptr(), before);
}

}  // namespace
}  // namespace valley::device_test
