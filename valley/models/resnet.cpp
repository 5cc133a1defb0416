#include "valley/models/resnet.h"

#include <ATen/ops/relu.h>
#include <fmt/format.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include "valley/models/initialisation.h"
#include "valley/models/wrap.h"

namespace valley {
namespace {

// A convolution that keeps the image (stride 1) or halves it (stride 2); BatchNorm brings the bias.
torch::nn::Conv2d convolution(int64_t in, int64_t out, int64_t kernel, int64_t stride) {
  return torch::nn::Conv2d(
      torch::nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false));
}

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

// The blocks of one stage, "0", "1", ...; only the first changes the shape.
struct Stage : torch::nn::Module {
  Stage(int64_t in, int64_t out, int64_t count, int64_t stride) {
    for (int64_t i = 0; i < count; ++i) {
      blocks.push_back(register_module(
          std::to_string(i),
          std::make_shared<BasicBlock>(i == 0 ? in : out, out, i == 0 ? stride : 1)));
    }
  }

  at::Tensor forward(at::Tensor x) {
    for (const auto& block : blocks) x = block->forward(x);
    return x;
  }

  std::vector<std::shared_ptr<BasicBlock>> blocks;
};

struct ResNet : torch::nn::Module {
  ResNet(const ModelOptions& options, const std::vector<int64_t>& widths, int64_t blocks)
      : conv1(convolution(options.input[0], widths[0], 3, 1)), bn1(widths[0]), fc(nullptr) {
    register_module("conv1", conv1);
    register_module("bn1", bn1);
    for (size_t i = 0; i < widths.size(); ++i) {
      stages.push_back(register_module(
          fmt::format("layer{}", i + 1),
          std::make_shared<Stage>(widths[i == 0 ? 0 : i - 1], widths[i], blocks, i == 0 ? 1 : 2)));
    }
    fc = register_module("fc", torch::nn::Linear(widths.back(), options.classes));
  }

  at::Tensor forward(const at::Tensor& input) {
    at::Tensor x = at::relu(bn1(conv1(input)));
    for (const auto& stage : stages) x = stage->forward(x);
    return fc(x.mean({2, 3}));  // [B, classes]
  }

  torch::nn::Conv2d conv1;
  torch::nn::BatchNorm2d bn1;
  std::vector<std::shared_ptr<Stage>> stages;
  torch::nn::Linear fc;
};

std::unique_ptr<Model> make(const ModelOptions& options, const std::vector<int64_t>& widths,
                            int64_t blocks) {
  InitialisationScope scope(options.seed);
  return wrap(std::make_shared<ResNet>(options, widths, blocks));
}

}  // namespace

std::unique_ptr<Model> make_resnet8(const ModelOptions& options) {
  return make(options, {16, 32, 64}, 1);
}

std::unique_ptr<Model> make_resnet20(const ModelOptions& options) {
  return make(options, {16, 32, 64}, 3);
}

std::unique_ptr<Model> make_resnet18(const ModelOptions& options) {
  return make(options, {64, 128, 256, 512}, 2);
}

}  // namespace valley
