#include "valley/models/pyramidnet.h"

#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/relu.h>
#include <fmt/format.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>

#include "valley/core/error.h"
#include "valley/models/convolutions.h"
#include "valley/models/initialisation.h"
#include "valley/models/wrap.h"

namespace valley {
namespace {

struct PyramidBlock : torch::nn::Module {
  PyramidBlock(int64_t in, int64_t out, int64_t stride)
      : missing(out - in),
        halves(stride == 2),
        bn1(in),
        conv1(convolution(in, out, 3, stride)),
        bn2(out),
        conv2(convolution(out, out, 3, 1)),
        bn3(out) {
    register_module("bn1", bn1);
    register_module("conv1", conv1);
    register_module("bn2", bn2);
    register_module("conv2", conv2);
    register_module("bn3", bn3);
  }

  at::Tensor forward(const at::Tensor& x) {
    const at::Tensor y = bn3(conv2(at::relu(bn2(conv1(bn1(x))))));
    // Rounded up, as the convolution does: 7x7 becomes 4x4 on both ways.
    at::Tensor shortcut = halves ? at::avg_pool2d(x, 2, 2, 0, /*ceil_mode=*/true) : x;
    if (missing > 0) shortcut = at::constant_pad_nd(shortcut, {0, 0, 0, 0, 0, missing});
    return y + shortcut;
  }

  int64_t missing;  // channels of the output that the input lacks
  bool halves;      // the image
  torch::nn::BatchNorm2d bn1;
  torch::nn::Conv2d conv1;
  torch::nn::BatchNorm2d bn2;
  torch::nn::Conv2d conv2;
  torch::nn::BatchNorm2d bn3;
};

struct PyramidNet : torch::nn::Module {
  PyramidNet(const ModelOptions& options, int64_t depth, int64_t alpha)
      : conv1(convolution(options.input[0], 16, 3, 1)), bn1(16), bn_final(16 + alpha), fc(nullptr) {
    register_module("conv1", conv1);
    register_module("bn1", bn1);
    const int64_t blocks = (depth - 2) / 2;
    int64_t in = 16, k = 0;
    for (int64_t i = 0; i < 3; ++i) {
      auto stage = std::make_shared<Chain<PyramidBlock>>();
      for (int64_t block = 0; block < blocks / 3; ++block) {
        ++k;
        const int64_t width = 16 + (2 * k * alpha + blocks) / (2 * blocks);
        stage->add(in, width, block == 0 && i > 0 ? 2 : 1);
        in = width;
      }
      stages.push_back(register_module(fmt::format("layer{}", i + 1), stage));
    }
    register_module("bn_final", bn_final);
    fc = register_module("fc", torch::nn::Linear(in, options.classes));
  }

  at::Tensor forward(const at::Tensor& input) {
    at::Tensor x = bn1(conv1(input));
    for (const auto& stage : stages) x = stage->forward(x);
    return fc(at::relu(bn_final(x)).mean({2, 3}));  // [B, classes]
  }

  torch::nn::Conv2d conv1;
  torch::nn::BatchNorm2d bn1;
  std::vector<std::shared_ptr<Chain<PyramidBlock>>> stages;
  torch::nn::BatchNorm2d bn_final;
  torch::nn::Linear fc;
};

}  // namespace

std::unique_ptr<Model> make_pyramidnet(const ModelOptions& options, int64_t depth, int64_t alpha) {
  require(depth % 6 == 2 && 8 <= depth && depth <= 1202,
          "{} pyramidnet-{}-{}: depth must be 6n+2 from 8 to 1202, got {}", Key{"model"}, depth,
          alpha, depth);
  require(1 <= alpha && alpha <= 1000, "{} pyramidnet-{}-{}: alpha must be from 1 to 1000, got {}",
          Key{"model"}, depth, alpha, alpha);
  InitialisationScope scope(options.seed);
  return wrap(std::make_shared<PyramidNet>(options, depth, alpha));
}

}  // namespace valley
