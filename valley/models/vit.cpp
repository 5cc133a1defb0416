#include "valley/models/vit.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/randn.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include <cmath>

#include "valley/core/error.h"
#include "valley/models/convolutions.h"
#include "valley/models/initialisation.h"
#include "valley/models/wrap.h"

namespace valley {
namespace {

constexpr int64_t kVitPatch = 4, kVitWidth = 128, kVitDepth = 6, kVitHeads = 4;

torch::nn::LayerNorm layer_norm() {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({kVitWidth}).eps(1e-6));
}

struct PatchEmbedding : torch::nn::Module {
  explicit PatchEmbedding(int64_t channels)
      : proj(torch::nn::Conv2dOptions(channels, kVitWidth, kVitPatch).stride(kVitPatch)) {
    register_module("proj", proj);
  }

  at::Tensor forward(const at::Tensor& input) {
    return proj(input).flatten(2).transpose(1, 2);  // [B, N, width]
  }

  torch::nn::Conv2d proj;
};

struct Attention : torch::nn::Module {
  Attention() : qkv(kVitWidth, 3 * kVitWidth), proj(kVitWidth, kVitWidth) {
    register_module("qkv", qkv);
    register_module("proj", proj);
  }

  at::Tensor forward(const at::Tensor& x) {
    const int64_t batch = x.size(0), tokens = x.size(1), head_width = kVitWidth / kVitHeads;
    const auto parts = qkv(x)
                           .reshape({batch, tokens, 3, kVitHeads, head_width})
                           .permute({2, 0, 3, 1, 4})
                           .unbind(0);  // q, k, v: [B, heads, tokens, head_width]
    const double scale = 1 / std::sqrt(static_cast<double>(head_width));
    const at::Tensor weights = at::matmul(parts[0] * scale, parts[1].transpose(-2, -1)).softmax(-1);
    return proj(at::matmul(weights, parts[2]).transpose(1, 2).flatten(2));
  }

  torch::nn::Linear qkv, proj;
};

struct VitMlp : torch::nn::Module {
  VitMlp() : fc1(kVitWidth, 4 * kVitWidth), fc2(4 * kVitWidth, kVitWidth) {
    register_module("fc1", fc1);
    register_module("fc2", fc2);
  }

  at::Tensor forward(const at::Tensor& x) { return fc2(at::gelu(fc1(x))); }

  torch::nn::Linear fc1, fc2;
};

struct VitBlock : torch::nn::Module {
  VitBlock() : norm1(layer_norm()), norm2(layer_norm()) {
    register_module("norm1", norm1);
    attn = register_module("attn", std::make_shared<Attention>());
    register_module("norm2", norm2);
    mlp = register_module("mlp", std::make_shared<VitMlp>());
  }

  at::Tensor forward(at::Tensor x) {
    x = x + attn->forward(norm1(x));
    return x + mlp->forward(norm2(x));
  }

  torch::nn::LayerNorm norm1, norm2;
  std::shared_ptr<Attention> attn;
  std::shared_ptr<VitMlp> mlp;
};

struct Vit : torch::nn::Module {
  explicit Vit(const ModelOptions& options) : norm(layer_norm()), head(nullptr) {
    const int64_t patches = (options.input[1] / kVitPatch) * (options.input[2] / kVitPatch);
    cls_token = register_parameter("cls_token", at::randn({1, 1, kVitWidth}) * 0.02);
    pos_embed = register_parameter("pos_embed", at::randn({1, patches + 1, kVitWidth}) * 0.02);
    patch_embed =
        register_module("patch_embed", std::make_shared<PatchEmbedding>(options.input[0]));
    blocks = register_module("blocks", std::make_shared<Chain<VitBlock>>());
    for (int64_t i = 0; i < kVitDepth; ++i) blocks->add();
    register_module("norm", norm);
    head = register_module("head", torch::nn::Linear(kVitWidth, options.classes));
  }

  at::Tensor forward(const at::Tensor& input) {
    const at::Tensor token = cls_token.expand({input.size(0), -1, -1});
    const at::Tensor x = at::cat({token, patch_embed->forward(input)}, 1) + pos_embed;
    return head(norm(blocks->forward(x)).select(1, 0));  // [B, classes]
  }

  at::Tensor cls_token, pos_embed;
  std::shared_ptr<PatchEmbedding> patch_embed;
  std::shared_ptr<Chain<VitBlock>> blocks;
  torch::nn::LayerNorm norm;
  torch::nn::Linear head;
};

}  // namespace

std::unique_ptr<Model> make_vit(const ModelOptions& options) {
  const auto [channels, height, width] = options.input;
  require(height % kVitPatch == 0 && width % kVitPatch == 0,
          "{} vit needs inputs whose sides are multiples of {}, got {}x{}", Key{"model"}, kVitPatch,
          height, width);
  InitialisationScope scope(options.seed);
  return wrap(std::make_shared<Vit>(options));
}

}  // namespace valley
