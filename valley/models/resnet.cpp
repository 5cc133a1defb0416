#include "valley/models/resnet.h"

#include <ATen/ops/relu.h>
#include <fmt/format.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>

#include <map>

#include "valley/core/error.h"
#include "valley/models/convolutions.h"
#include "valley/models/initialisation.h"
#include "valley/models/wrap.h"

namespace valley {
namespace {

// torchvision keeps the pair in a Sequential: downsample.0 and downsample.1.
struct Projection : torch::nn::Module {
  Projection(int64_t in, int64_t out, int64_t stride)
      : convolve(convolution(in, out, 1, stride)), normalise(out) {
    register_module("0", convolve);
    register_module("1", normalise);
  }

  at::Tensor forward(const at::Tensor& x) { return normalise(convolve(x)); }

  torch::nn::Conv2d convolve;
  torch::nn::BatchNorm2d normalise;
};

struct BasicBlock : torch::nn::Module {
  BasicBlock(int64_t in, int64_t out, int64_t stride)
      : conv1(convolution(in, out, 3, stride)),
        bn1(out),
        conv2(convolution(out, out, 3, 1)),
        bn2(out) {
    register_module("conv1", conv1);
    register_module("bn1", bn1);
    register_module("conv2", conv2);
    register_module("bn2", bn2);
    if (in != out || stride != 1) {
      downsample = register_module("downsample", std::make_shared<Projection>(in, out, stride));
    }
  }

  at::Tensor forward(const at::Tensor& x) {
    at::Tensor y = at::relu(bn1(conv1(x)));
    y = bn2(conv2(y));
    return at::relu(y + (downsample ? downsample->forward(x) : x));
  }

  torch::nn::Conv2d conv1;
  torch::nn::BatchNorm2d bn1;
  torch::nn::Conv2d conv2;
  torch::nn::BatchNorm2d bn2;
  std::shared_ptr<Projection> downsample;  // null where the shape stays
};

struct ResNet : torch::nn::Module {
  ResNet(const ModelOptions& options, const std::vector<int64_t>& widths,
         const std::vector<int64_t>& blocks)
      : conv1(convolution(options.input[0], widths[0], 3, 1)), bn1(widths[0]), fc(nullptr) {
    register_module("conv1", conv1);
    register_module("bn1", bn1);
    int64_t in = widths[0];
    for (size_t i = 0; i < widths.size(); ++i) {
      auto stage = std::make_shared<Chain<BasicBlock>>();
      for (int64_t block = 0; block < blocks[i]; ++block) {
        stage->add(in, widths[i], block == 0 && i > 0 ? 2 : 1);
        in = widths[i];
      }
      stages.push_back(register_module(fmt::format("layer{}", i + 1), stage));
    }
    fc = register_module("fc", torch::nn::Linear(in, options.classes));
  }

  at::Tensor forward(const at::Tensor& input) {
    at::Tensor x = at::relu(bn1(conv1(input)));
    for (const auto& stage : stages) x = stage->forward(x);
    return fc(x.mean({2, 3}));  // [B, classes]
  }

  torch::nn::Conv2d conv1;
  torch::nn::BatchNorm2d bn1;
  std::vector<std::shared_ptr<Chain<BasicBlock>>> stages;
  torch::nn::Linear fc;
};

}  // namespace

std::unique_ptr<Model> make_resnet(const ModelOptions& options, int64_t depth) {
  struct Stages {
    std::vector<int64_t> widths, blocks;
  };
  static const std::map<int64_t, Stages> known = [] {
    std::map<int64_t, Stages> result = {{18, {{64, 128, 256, 512}, {2, 2, 2, 2}}},
                                        {34, {{64, 128, 256, 512}, {3, 4, 6, 3}}}};
    for (const int64_t n : {1, 2, 3, 5, 7, 9, 18}) result[6 * n + 2] = {{16, 32, 64}, {n, n, n}};
    return result;
  }();
  const auto stages = known.find(depth);
  require(stages != known.end(),
          "{} resnet-{}: depth must be 18 or 34, or 8, 14, 20, 32, 44, 56 or 110, got {}",
          Key{"model"}, depth, depth);
  InitialisationScope scope(options.seed);
  return wrap(std::make_shared<ResNet>(options, stages->second.widths, stages->second.blocks));
}

}  // namespace valley
