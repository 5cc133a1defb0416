#include "valley/models/mixed_precision.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include "valley/models/registry.h"

namespace valley::mixed_precision_test {
namespace {

// Whatever they are.
at::Tensor images() {
  static const at::Tensor drawn = at::randn({4, 1, 28, 28});
  return drawn;
}

TEST(MixedPrecision, Float32IsThePassItself) {
  const auto model = make_model("lenet", {.seed = 1});
  const at::Tensor x = images();
  EXPECT_TRUE(forward(*model, x, Precision::kFloat32).equal(model->forward(x)));
}

// Near, but not the same: eight bits of fraction.
TEST(MixedPrecision, Bf16RoundsThePassAndNothingElse) {
  const auto model = make_model("lenet", {.seed = 1});
  const at::Tensor x = images(), exact = model->forward(x);
  const at::Tensor rounded = forward(*model, x, Precision::kBf16);
  EXPECT_EQ(rounded.scalar_type(), at::kFloat);
  const double off = (rounded - exact).abs().max().item<double>();
  EXPECT_GT(off, 0);
  EXPECT_LT(off, 0.03 * exact.abs().max().item<double>());
  EXPECT_TRUE(model->forward(x).equal(exact));  // autocast is over
  EXPECT_TRUE(forward_all(*model, x, Precision::kBf16).logits.equal(rounded));

  rounded.sum().backward();
  for (const auto& [name, tensor] : model->parameters()) {
    EXPECT_EQ(tensor.scalar_type(), at::kFloat) << name;
    EXPECT_EQ(tensor.grad().scalar_type(), at::kFloat) << name;
  }
}

// Weights that move between two passes are seen by the second.
TEST(MixedPrecision, NoCopyOfTheWeightsStays) {
  const auto model = make_model("lenet", {.seed = 1});
  const at::Tensor x = images(), before = forward(*model, x, Precision::kBf16);
  for (const auto& [name, tensor] : model->parameters()) tensor.data().mul_(2);
  EXPECT_FALSE(forward(*model, x, Precision::kBf16).equal(before));
}

}  // namespace
}  // namespace valley::mixed_precision_test
