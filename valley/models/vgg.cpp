#include "valley/models/vgg.h"

#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/relu.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include <map>

#include "valley/core/error.h"
#include "valley/models/initialisation.h"
#include "valley/models/wrap.h"

namespace valley {
namespace {

constexpr std::array<int64_t, 5> kVggWidths = {64, 128, 256, 512, 512};

// The convolutions and their BatchNorms under the numbers they have in torchvision's Sequential,
// which also counts the relu behind each pair and the pooling behind each stage.
struct VggFeatures : torch::nn::Module {
  VggFeatures(int64_t channels, const std::array<int64_t, 5>& convolutions) {
    int64_t in = channels, number = 0;
    for (size_t i = 0; i < kVggWidths.size(); ++i) {
      auto& stage = stages.emplace_back();
      for (int64_t n = 0; n < convolutions[i]; ++n) {
        torch::nn::Conv2d convolve(torch::nn::Conv2dOptions(in, kVggWidths[i], 3).padding(1));
        torch::nn::BatchNorm2d normalise(kVggWidths[i]);
        register_module(std::to_string(number), convolve);
        register_module(std::to_string(number + 1), normalise);
        stage.emplace_back(convolve, normalise);
        in = kVggWidths[i];
        number += 3;
      }
      number += 1;
    }
  }

  at::Tensor forward(at::Tensor x) {
    for (auto& stage : stages) {
      for (auto& [convolve, normalise] : stage) x = at::relu(normalise(convolve(x)));
      x = at::max_pool2d(x, 2, 2, 0, 1, /*ceil_mode=*/true);
    }
    return x;  // [B, 512, H/32, W/32], rounded up
  }

  std::vector<std::vector<std::pair<torch::nn::Conv2d, torch::nn::BatchNorm2d>>> stages;
};

struct Vgg : torch::nn::Module {
  Vgg(const ModelOptions& options, const std::array<int64_t, 5>& convolutions)
      : features(register_module("features",
                                 std::make_shared<VggFeatures>(options.input[0], convolutions))),
        classifier(kVggWidths.back(), options.classes) {
    register_module("classifier", classifier);
  }

  at::Tensor forward(const at::Tensor& input) {
    return classifier(features->forward(input).mean({2, 3}));  // [B, classes]
  }

  std::shared_ptr<VggFeatures> features;
  torch::nn::Linear classifier;
};

}  // namespace

std::unique_ptr<Model> make_vgg(const ModelOptions& options, int64_t depth) {
  static const std::map<int64_t, std::array<int64_t, 5>> known = {
      {11, {1, 1, 2, 2, 2}}, {13, {2, 2, 2, 2, 2}}, {16, {2, 2, 3, 3, 3}}, {19, {2, 2, 4, 4, 4}}};
  const auto convolutions = known.find(depth);
  require(convolutions != known.end(), "{} vgg{}: depth must be 11, 13, 16 or 19, got {}",
          Key{"model"}, depth, depth);
  const auto [channels, height, width] = options.input;
  require(height >= 16 && width >= 16, "{} vgg{} needs inputs of at least 16x16, got {}x{}",
          Key{"model"}, depth, height, width);
  InitialisationScope scope(options.seed);
  return wrap(std::make_shared<Vgg>(options, convolutions->second));
}

}  // namespace valley
