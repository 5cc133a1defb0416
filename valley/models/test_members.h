#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>

#include <array>
#include <string>
#include <vector>

#include "valley/models/registry.h"

namespace valley {

struct TestMember {
  std::string name;
  std::array<int64_t, 3> input;  // C, H, W; of text 1, 1, T
  int64_t vocabulary = 0;

  std::string key() const {
    return name + (vocabulary > 0 ? "-text" : input[0] == 1 ? "-gray" : "-colour");
  }

  // With so many classes, of text as many as there are tokens.
  ModelOptions options(int64_t classes, uint64_t seed = 0) const {
    return {.input = input,
            .classes = vocabulary > 0 ? vocabulary : classes,
            .vocabulary = vocabulary,
            .seed = seed};
  }

  at::Tensor batch(int64_t examples) const {
    if (vocabulary > 0) return at::randint(vocabulary, {examples, input[2]}, at::kLong);
    return at::randn({examples, input[0], input[1], input[2]});
  }
};

/// Registry models that a test can afford to run, at least one of each row.
inline const std::vector<TestMember>& small_members() {
  constexpr std::array<int64_t, 3> kGray = {1, 28, 28}, kColour = {3, 32, 32};
  static const std::vector<TestMember> members = {
      {"mlp", kGray},
      {"mlp", kColour},
      {"mlp-32-16", kColour},
      {"lenet", kGray},
      {"lenet", kColour},
      {"vgg11", kGray},
      {"resnet-8", kGray},
      {"resnet-20", kColour},
      {"resnet-18", kColour},
      {"wide-resnet-10-1", kGray},
      {"wide-resnet-16-2", kColour},
      {"pyramidnet-20-48", kGray},
      {"pyramidnet-8-12", kColour},
      {"lstm", kGray},
      {"lstm", kColour},
      {"vit", kGray},
      {"vit", kColour},
      {"lstm", {1, 1, 9}, 23},
      {"gpt-2-64", {1, 1, 9}, 23},
      {"gpt-1-128", {1, 1, 17}, 11},
  };
  return members;
}

}  // namespace valley
