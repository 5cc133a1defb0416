#include "valley/models/lenet.h"

#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/relu.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include "valley/core/error.h"
#include "valley/models/initialisation.h"
#include "valley/models/wrap.h"

namespace valley {
namespace {

// An image side after conv1 (keeps it), pool, conv2 (takes 4 off), pool.
int64_t side_after_convolutions(int64_t side) { return (side / 2 - 4) / 2; }

struct LeNet : torch::nn::Module {
  explicit LeNet(const ModelOptions& options)
      : conv1(torch::nn::Conv2dOptions(options.input[0], 16, 5).padding(2)),
        conv2(torch::nn::Conv2dOptions(16, 32, 5)),
        fc1(32 * side_after_convolutions(options.input[1]) *
                side_after_convolutions(options.input[2]),
            64),
        fc2(64, options.classes) {
    register_module("conv1", conv1);
    register_module("conv2", conv2);
    register_module("fc1", fc1);
    register_module("fc2", fc2);
  }

  at::Tensor forward(const at::Tensor& input) {
    at::Tensor x = at::max_pool2d(at::relu(conv1(input)), 2);  // [B, 16, H/2, W/2]
    x = at::max_pool2d(at::relu(conv2(x)), 2);                 // [B, 32, H/4 - 2, W/4 - 2]
    return fc2(at::relu(fc1(x.flatten(1))));                   // [B, classes]
  }

  torch::nn::Conv2d conv1, conv2;
  torch::nn::Linear fc1, fc2;
};

}  // namespace

std::unique_ptr<Model> make_lenet(const ModelOptions& options) {
  const auto [channels, height, width] = options.input;
  require(height >= 12 && width >= 12, "{} lenet needs inputs of at least 12x12, got {}x{}",
          Key{"model"}, height, width);
  InitialisationScope scope(options.seed);
  return wrap(std::make_shared<LeNet>(options));
}

}  // namespace valley
