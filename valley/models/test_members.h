#pragma once

#include <array>
#include <string>
#include <vector>

namespace valley {

struct TestMember {
  std::string name;
  std::array<int64_t, 3> input;  // C, H, W

  std::string key() const { return name + (input[0] == 1 ? "-gray" : "-colour"); }
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
  };
  return members;
}

}  // namespace valley
