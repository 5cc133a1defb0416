#include "valley/data/attack.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/tensor.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include "valley/core/error.h"

namespace valley {

Attack::Attack(const AttackSpec& spec, const Dataset& statistics)
    : spec_(spec),
      bytes_(statistics.inputs.scalar_type() == at::kByte),
      mean_(statistics.mean),
      stddev_(statistics.stddev) {
  require(!statistics.is_text(), "{} {} changes values, and the data are text", Key{"adversarial"},
          to_string(spec));
}

at::Tensor Attack::worst(const at::Tensor& input, uint64_t seed, const GradientOf& gradient) const {
  const c10::NoGradGuard no_grad;
  const auto by_channel = [&](const std::vector<float>& values) {
    return at::tensor(values, at::kFloat).view({1, -1, 1, 1}).to(input.device());
  };
  const at::Tensor stddev = by_channel(stddev_), mean = by_channel(mean_);
  const at::Tensor radius = spec_.epsilon / stddev;
  at::Tensor low = input - radius, high = input + radius;
  if (bytes_) {
    low = at::maximum(low, (0 - mean) / stddev);
    high = at::minimum(high, (1 - mean) / stddev);
  }
  const auto inside = [&](const at::Tensor& x) { return at::minimum(at::maximum(x, low), high); };
  if (spec_.kind == AttackKind::kFgsm) return inside(input + radius * gradient(input).sign());
  const at::Tensor start =
      at::empty(input.sizes(), at::kFloat).uniform_(-1, 1, at::detail::createCPUGenerator(seed));
  at::Tensor x = inside(input + radius * start.to(input.device()));
  for (int64_t i = 0; i < spec_.steps; ++i)
    x = inside(x + spec_.step / stddev * gradient(x).sign());
  return x;
}

at::Tensor input_gradient(const at::Tensor& input,
                          const std::function<at::Tensor(const at::Tensor& input)>& loss) {
  const c10::AutoGradMode with_grad(true);
  const at::Tensor leaf = input.detach().clone().set_requires_grad(true);
  // What the network sees is no leaf: it may write to it.
  return torch::autograd::grad({loss(leaf.clone())}, {leaf})[0];
}

}  // namespace valley
