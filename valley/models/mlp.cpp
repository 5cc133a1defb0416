#include "valley/models/mlp.h"

#include <ATen/ops/relu.h>
#include <torch/nn/modules/linear.h>

#include "valley/core/error.h"
#include "valley/models/initialisation.h"
#include "valley/models/wrap.h"

namespace valley {
namespace {

struct Mlp : torch::nn::Module {
  Mlp(const ModelOptions& options, int64_t first, int64_t second)
      : fc1(options.input[0] * options.input[1] * options.input[2], first),
        fc2(first, second),
        fc3(second, options.classes) {
    register_module("fc1", fc1);
    register_module("fc2", fc2);
    register_module("fc3", fc3);
  }

  at::Tensor forward(const at::Tensor& x) {
    return fc3(at::relu(fc2(at::relu(fc1(x.flatten(1))))));  // [B, classes]
  }

  torch::nn::Linear fc1, fc2, fc3;
};

}  // namespace

std::unique_ptr<Model> make_mlp(const ModelOptions& options, int64_t first, int64_t second) {
  require(first >= 1 && second >= 1, "{} mlp-{}-{}: a layer must be at least 1 wide", Key{"model"},
          first, second);
  InitialisationScope scope(options.seed);
  return wrap(std::make_shared<Mlp>(options, first, second));
}

}  // namespace valley
