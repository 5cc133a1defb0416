#include "valley/models/lstm.h"

#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/rnn.h>

#include "valley/models/initialisation.h"
#include "valley/models/wrap.h"

namespace valley {
namespace {

constexpr int64_t kLstmWidth = 128;

struct Lstm : torch::nn::Module {
  explicit Lstm(const ModelOptions& options)
      : lstm(torch::nn::LSTMOptions(options.input[0] * options.input[2], kLstmWidth)
                 .num_layers(2)
                 .bidirectional(true)
                 .batch_first(true)),
        fc(2 * kLstmWidth, options.classes) {
    register_module("lstm", lstm);
    register_module("fc", fc);
  }

  at::Tensor forward(const at::Tensor& input) {
    const at::Tensor rows = input.transpose(1, 2).flatten(2);  // [B, H, C * W]
    return fc(std::get<0>(lstm(rows)).mean(1));                // [B, classes]
  }

  torch::nn::LSTM lstm;
  torch::nn::Linear fc;
};

struct TextLstm : torch::nn::Module {
  explicit TextLstm(int64_t vocabulary)
      : embedding(vocabulary, kLstmWidth),
        lstm(torch::nn::LSTMOptions(kLstmWidth, kLstmWidth).num_layers(2).batch_first(true)),
        fc(kLstmWidth, vocabulary) {
    register_module("embedding", embedding);
    register_module("lstm", lstm);
    register_module("fc", fc);
  }

  at::Tensor forward(const at::Tensor& tokens) {
    return fc(std::get<0>(lstm(embedding(tokens))));  // [B, T, vocabulary]
  }

  torch::nn::Embedding embedding;
  torch::nn::LSTM lstm;
  torch::nn::Linear fc;
};

}  // namespace

std::unique_ptr<Model> make_lstm(const ModelOptions& options) {
  InitialisationScope scope(options.seed);
  if (options.vocabulary > 0) return wrap(std::make_shared<TextLstm>(options.vocabulary));
  return wrap(std::make_shared<Lstm>(options));
}

}  // namespace valley
