#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

// What the convolutional networks of this room are made of. For their .cpp files only: it brings
// LibTorch's nn headers along.
namespace valley {

/// A convolution that keeps the image (stride 1) or halves it (stride 2). No bias: the BatchNorm
/// behind it has one.
inline torch::nn::Conv2d convolution(int64_t in, int64_t out, int64_t kernel, int64_t stride) {
  return torch::nn::Conv2d(
      torch::nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false));
}

/// Modules "0", "1", ... one after the other, as in PyTorch's Sequential, but of one known type.
template <typename Block>
struct Chain : torch::nn::Module {
  template <typename... Args>
  void add(Args&&... args) {
    blocks.push_back(register_module(std::to_string(blocks.size()),
                                     std::make_shared<Block>(std::forward<Args>(args)...)));
  }

  at::Tensor forward(at::Tensor x) {
    for (const auto& block : blocks) x = block->forward(x);
    return x;
  }

  std::vector<std::shared_ptr<Block>> blocks;
};

}  // namespace valley
