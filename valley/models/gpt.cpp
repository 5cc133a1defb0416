#include "valley/models/gpt.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <c10/core/GradMode.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "valley/core/error.h"
#include "valley/models/convolutions.h"
#include "valley/models/initialisation.h"
#include "valley/models/wrap.h"

namespace valley {
namespace {

constexpr int64_t kGptHead = 64;

torch::nn::LayerNorm gpt_norm(int64_t width) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({width}));
}

struct GptAttention : torch::nn::Module {
  explicit GptAttention(int64_t width)
      : c_attn(width, 3 * width), c_proj(width, width), head_width(std::min(kGptHead, width)) {
    register_module("c_attn", c_attn);
    register_module("c_proj", c_proj);
  }

  // `later` [T, T]: whether the key comes after the query.
  at::Tensor forward(const at::Tensor& x, const at::Tensor& later) {
    const int64_t batch = x.size(0), tokens = x.size(1), heads = x.size(2) / head_width;
    const auto parts = c_attn(x)
                           .reshape({batch, tokens, 3, heads, head_width})
                           .permute({2, 0, 3, 1, 4})
                           .unbind(0);  // q, k, v: [B, heads, T, head_width]
    const double scale = 1 / std::sqrt(static_cast<double>(head_width));
    const at::Tensor weights = at::matmul(parts[0] * scale, parts[1].transpose(-2, -1))
                                   .masked_fill(later, -std::numeric_limits<double>::infinity())
                                   .softmax(-1);
    return c_proj(at::matmul(weights, parts[2]).transpose(1, 2).flatten(2));
  }

  torch::nn::Linear c_attn, c_proj;
  int64_t head_width;
};

struct GptMlp : torch::nn::Module {
  explicit GptMlp(int64_t width) : c_fc(width, 4 * width), c_proj(4 * width, width) {
    register_module("c_fc", c_fc);
    register_module("c_proj", c_proj);
  }

  at::Tensor forward(const at::Tensor& x) { return c_proj(at::gelu(c_fc(x), "tanh")); }

  torch::nn::Linear c_fc, c_proj;
};

struct GptBlock : torch::nn::Module {
  explicit GptBlock(int64_t width) : ln_1(gpt_norm(width)), ln_2(gpt_norm(width)) {
    register_module("ln_1", ln_1);
    attn = register_module("attn", std::make_shared<GptAttention>(width));
    register_module("ln_2", ln_2);
    mlp = register_module("mlp", std::make_shared<GptMlp>(width));
  }

  at::Tensor forward(at::Tensor x, const at::Tensor& later) {
    x = x + attn->forward(ln_1(x), later);
    return x + mlp->forward(ln_2(x));
  }

  torch::nn::LayerNorm ln_1, ln_2;
  std::shared_ptr<GptAttention> attn;
  std::shared_ptr<GptMlp> mlp;
};

struct Gpt : torch::nn::Module {
  Gpt(const ModelOptions& options, int64_t layers, int64_t width)
      : wte(options.vocabulary, width), wpe(options.input[2], width), ln_f(gpt_norm(width)) {
    register_module("wte", wte);
    register_module("wpe", wpe);
    h = register_module("h", std::make_shared<Chain<GptBlock>>());
    for (int64_t i = 0; i < layers; ++i) h->add(width);
    register_module("ln_f", ln_f);
    initialise();
  }

  at::Tensor forward(const at::Tensor& tokens) {
    const int64_t length = tokens.size(1);
    const at::Tensor later =
        at::ones({length, length}, tokens.options().dtype(at::kBool)).triu(/*diagonal=*/1);
    at::Tensor x = wte(tokens) + wpe->weight.narrow(0, 0, length);
    for (const auto& block : h->blocks) x = block->forward(x, later);
    return at::linear(ln_f(x), wte->weight);  // [B, T, vocabulary]
  }

  void initialise() {
    const c10::NoGradGuard no_grad;
    const double narrow = 1 / std::sqrt(2 * static_cast<double>(h->blocks.size()));
    for (auto& item : named_parameters()) {
      const std::string& name = item.key();
      if (name.find("ln_") != name.npos) continue;
      if (name.ends_with("bias")) {
        item.value().zero_();
      } else {
        item.value().normal_(0, 0.02 * (name.ends_with("c_proj.weight") ? narrow : 1));
      }
    }
  }

  torch::nn::Embedding wte, wpe;
  std::shared_ptr<Chain<GptBlock>> h;
  torch::nn::LayerNorm ln_f;
};

}  // namespace

std::unique_ptr<Model> make_gpt(const ModelOptions& options, int64_t layers, int64_t width) {
  require(1 <= layers && layers <= 1000, "{} gpt-{}-{}: layers must be from 1 to 1000, got {}",
          Key{"model"}, layers, width, layers);
  require(1 <= width && (width <= kGptHead || width % kGptHead == 0),
          "{} gpt-{}-{}: width must be from 1 to {} or a multiple of {}, got {}", Key{"model"},
          layers, width, kGptHead, kGptHead, width);
  InitialisationScope scope(options.seed);
  return wrap(std::make_shared<Gpt>(options, layers, width));
}

}  // namespace valley
