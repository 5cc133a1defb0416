#include "valley/models/lstm.h"

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

}  // namespace

std::unique_ptr<Model> make_lstm(const ModelOptions& options) {
  InitialisationScope scope(options.seed);
  return wrap(std::make_shared<Lstm>(options));
}

}  // namespace valley
