#include "valley/evaluation/class_mix.h"

#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/tensor.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include "valley/comm/group.h"
#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/evaluation/evaluate.h"
#include "valley/models/registry.h"

namespace valley::class_mix_test {
namespace {

const DataSplits& blobs() {
  static const DataSplits data =
      load_data("blobs", {.train_samples = 150, .test_samples = 77, .seed = 3});
  return data;
}

TEST(ClassMix, SharesOfTheClasses) {
  EXPECT_EQ(class_mix(at::tensor({2, 0, 2, 2}, at::kLong), 4),
            (std::vector<double>{0.25, 0, 0.75, 0}));
  EXPECT_TRUE(class_mix(at::tensor({1.0F, 2.0F}), 0).empty());
}

TEST(ClassMix, OfTheSetsOwnMixItIsThePlainScore) {
  const auto model = make_model("mlp", {.seed = 1});
  const Dataset& train = *blobs().train;
  const Scores plain = evaluate(*model, blobs().test, train, *make_solo());
  for (const auto& mix : {class_mix(blobs().test->targets, blobs().test->classes), {}}) {
    const Scores scores = evaluate_mix(*model, blobs().test, train, mix, {.batch_size = 7});
    EXPECT_NEAR(scores.loss(), plain.loss(), 1e-6);
    EXPECT_NEAR(scores["accuracy"], plain["accuracy"], 1e-12);
  }
}

TEST(ClassMix, WeighsTheMeansOfTheClasses) {
  const auto model = make_model("mlp", {.seed = 1});
  const Dataset& test = *blobs().test;
  const auto mean_of = [&](int64_t c) {
    const c10::NoGradGuard no_grad;
    const at::Tensor of = test.targets.eq(c).nonzero().flatten();
    return at::cross_entropy_loss(model->forward(test.inputs.index_select(0, of)),
                                  test.targets.index_select(0, of))
        .item<double>();
  };
  std::vector<double> mix(static_cast<size_t>(test.classes));
  mix[0] = 0.25, mix[3] = 0.75;
  EXPECT_NEAR(evaluate_mix(*model, blobs().test, *blobs().train, mix).loss(),
              0.25 * mean_of(0) + 0.75 * mean_of(3), 1e-6);
  auto without = std::make_shared<Dataset>(test);
  const at::Tensor rest = test.targets.ne(0).nonzero().flatten();
  without->inputs = test.inputs.index_select(0, rest);
  without->targets = test.targets.index_select(0, rest);
  EXPECT_NEAR(evaluate_mix(*model, without, *blobs().train, mix).loss(), mean_of(3), 1e-6);
  mix[3] = 0;
  EXPECT_EQ(error_of<UsageError>([&] { evaluate_mix(*model, without, *blobs().train, mix); }),
            "the test set has no example of the classes that a worker trains on");
}

}  // namespace
}  // namespace valley::class_mix_test
