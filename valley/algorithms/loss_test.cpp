#include "valley/algorithms/loss.h"

#include <ATen/ops/scalar_tensor.h>
#include <gtest/gtest.h>

#include "valley/algorithms/algorithm.h"
#include "valley/comm/fused.h"
#include "valley/core/fused_passes.h"

namespace valley::loss_test {
namespace {

at::Tensor scalar(double value) { return at::scalar_tensor(value, at::kFloat); }

TEST(Losses, ANumberIsKnown) {
  const StepInfo info = {.loss = 0.5};
  EXPECT_TRUE(info.loss.known());
  EXPECT_EQ(info.loss, 0.5);
  EXPECT_EQ(StepInfo().loss, 0);
  EXPECT_FALSE(info.loss.known_not_finite());
  EXPECT_TRUE(Loss(std::nan("")).known_not_finite());
}

TEST(Losses, InThisMemoryItIsReadAtOnce) {
  const Loss loss(scalar(0.25));
  EXPECT_EQ(loss.known(), fused(scalar(0)));
  EXPECT_EQ(loss, 0.25);
}

TEST(Losses, ElsewhereItIsReadWhenAsked) {
  const OperatorsOnly only;
  const at::Tensor coming = scalar(1);
  const Loss loss(coming), not_finite(scalar(INFINITY));
  EXPECT_FALSE(loss.known());
  EXPECT_FALSE(not_finite.known_not_finite());  // nobody knows yet
  at::Tensor(coming).fill_(3);                  // as if it were computed now
  EXPECT_EQ(loss, 3);
  EXPECT_TRUE(loss.known());
  at::Tensor(coming).fill_(4);
  EXPECT_EQ(loss, 3);
}

TEST(Losses, SumsAreInDoubleAndReadWhenAsked) {
  const OperatorsOnly only;
  LossSum sum(2, 1);
  const at::Tensor first = scalar(1e8);
  sum.add(Loss(first));
  sum.add(Loss(scalar(1)));
  sum.add(0.5);
  EXPECT_EQ(sum.sum(), 1e8 + 3.5);
  EXPECT_EQ(sum.count(), 4);
  EXPECT_EQ(sum.mean(), (1e8 + 3.5) / 4);
  EXPECT_EQ(first.item<float>(), 1e8f);  // it was not added into
}

}  // namespace
}  // namespace valley::loss_test
