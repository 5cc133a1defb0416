#include "valley/models/wide_resnet.h"

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

struct WideBlock : torch::nn::Module {
  WideBlock(int64_t in, int64_t out, int64_t stride)
      : bn1(in),
        conv1(convolution(in, out, 3, stride)),
        bn2(out),
        conv2(convolution(out, out, 3, 1)) {
    register_module("bn1", bn1);
    register_module("conv1", conv1);
    register_module("bn2", bn2);
    register_module("conv2", conv2);
    if (in != out || stride != 1) {
      shortcut = register_module("shortcut", convolution(in, out, 1, stride));
    }
  }

  at::Tensor forward(const at::Tensor& x) {
    const at::Tensor y = at::relu(bn1(x));
    return conv2(at::relu(bn2(conv1(y)))) + (shortcut ? shortcut(y) : x);
  }

  torch::nn::BatchNorm2d bn1;
  torch::nn::Conv2d conv1;
  torch::nn::BatchNorm2d bn2;
  torch::nn::Conv2d conv2;
  torch::nn::Conv2d shortcut = nullptr;  // where the shape changes
};

struct WideResNet : torch::nn::Module {
  WideResNet(const ModelOptions& options, int64_t depth, int64_t widening)
      : conv1(convolution(options.input[0], 16, 3, 1)), bn_final(64 * widening), fc(nullptr) {
    register_module("conv1", conv1);
    int64_t in = 16;
    for (int64_t i = 0; i < 3; ++i) {
      const int64_t width = (int64_t{16} << i) * widening;
      auto stage = std::make_shared<Chain<WideBlock>>();
      for (int64_t block = 0; block < (depth - 4) / 6; ++block) {
        stage->add(in, width, block == 0 && i > 0 ? 2 : 1);
        in = width;
      }
      stages.push_back(register_module(fmt::format("layer{}", i + 1), stage));
    }
    register_module("bn_final", bn_final);
    fc = register_module("fc", torch::nn::Linear(in, options.classes));
  }

  at::Tensor forward(const at::Tensor& input) {
    at::Tensor x = conv1(input);
    for (const auto& stage : stages) x = stage->forward(x);
    return fc(at::relu(bn_final(x)).mean({2, 3}));  // [B, classes]
  }

  torch::nn::Conv2d conv1;
  std::vector<std::shared_ptr<Chain<WideBlock>>> stages;
  torch::nn::BatchNorm2d bn_final;
  torch::nn::Linear fc;
};

}  // namespace

std::unique_ptr<Model> make_wide_resnet(const ModelOptions& options, int64_t depth,
                                        int64_t widening) {
  require(depth % 6 == 4 && 10 <= depth && depth <= 1000,
          "{} wide-resnet-{}-{}: depth must be 6n+4 from 10 to 1000, got {}", Key{"model"}, depth,
          widening, depth);
  require(1 <= widening && widening <= 64,
          "{} wide-resnet-{}-{}: widening must be from 1 to 64, got {}", Key{"model"}, depth,
          widening, widening);
  InitialisationScope scope(options.seed);
  return wrap(std::make_shared<WideResNet>(options, depth, widening));
}

}  // namespace valley
