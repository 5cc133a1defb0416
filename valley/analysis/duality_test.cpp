#include "valley/analysis/duality.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/mv.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <cmath>

#include "valley/analysis/alignment.h"
#include "valley/analysis/layer_activity.h"
#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/models/registry.h"
#include "valley/task/classification.h"
#include "valley/testing/normals.h"

namespace valley::duality_test {
namespace {

SharpDirections directions_of(const at::Tensor& vectors) {
  SharpDirections sharp{.values = {}, .residuals = {}, .vectors = vectors};
  sharp.values.assign(static_cast<size_t>(vectors.size(0)), 1);
  sharp.residuals.assign(static_cast<size_t>(vectors.size(0)), 0);
  return sharp;
}

DualPairs some_pairs() {
  return {normals({7, 2}, 1, at::kDouble), normals({7, 3}, 2, at::kDouble),
          normals({7}, 3, at::kDouble)};
}

// The identity, for any orthonormal basis of all weights.
TEST(Duality, OverAllDirectionsTheContributionsAreTheGap) {
  const DualPairs pairs = some_pairs();
  const at::Tensor turned = std::get<0>(at::linalg_qr(normals({6, 6}, 4, at::kDouble)));
  for (const at::Tensor& basis : {at::eye(6, at::kDouble), turned}) {
    const DualDecomposition all = decompose(pairs, directions_of(basis));
    EXPECT_NEAR(all.gap, pairs.losses.mean().item<double>(), 1e-14);
    EXPECT_NEAR(all.rest, 0, 1e-12);
    EXPECT_EQ(all.directions.size(), 6);
  }
}

// By hand: along e_1 of a layer of one weight and its input 1, dW_k is the output's change.
TEST(Duality, DeviationsMeansAndCorrelationByHand) {
  const DualPairs pairs{at::tensor({1.0, 3.0}).view({2, 1}), at::tensor({1.0, 1.0}).view({2, 1}),
                        at::tensor({2.0, 3.0})};
  const DualDecomposition found = decompose(pairs, directions_of(at::eye(1, at::kDouble)));
  const DualDirection& only = found.directions.front();  // w = (1, 3), g = dl / w = (2, 1)
  EXPECT_NEAR(only.mean_w, 2, 1e-15);
  EXPECT_NEAR(only.sigma_w, 1, 1e-15);
  EXPECT_NEAR(only.mean_g, 1.5, 1e-15);
  EXPECT_NEAR(only.sigma_g, 0.5, 1e-15);
  EXPECT_NEAR(only.correlation, -1, 1e-14);
  EXPECT_NEAR(only.contribution(), -0.5 + 3, 1e-14);
  EXPECT_NEAR(found.gap, 2.5, 1e-15);
}

TEST(Duality, APairThatIsTheSameForTheLayerAddsNothing) {
  DualPairs pairs = some_pairs();
  pairs.outputs[2].zero_();
  pairs.losses[2].zero_();
  const DualDecomposition found = decompose(pairs, directions_of(at::eye(6, at::kDouble)));
  EXPECT_NEAR(found.rest, 0, 1e-12);
  EXPECT_TRUE(std::isfinite(found.directions[0].correlation));
}

const DataSplits& blobs() {
  static const DataSplits data =
      load_data("blobs", {.train_samples = 20, .test_samples = 12, .seed = 3});
  return data;
}

// With the dual weights a training example gets the loss of the test example.
TEST(Duality, DualWeightsGiveATrainingExampleTheLossOfATestExample) {
  const auto model = make_model("mlp-8-6", {.seed = 1});
  const Task& task = classification();
  for (const std::string& name : {std::string(), std::string("fc2")}) {
    const DenseLayer layer = find_dense_layer(*model, name);
    const Dataset& statistics = *blobs().train;
    const auto train = layer_activity(*model, layer, blobs().train, statistics, task);
    const auto test = layer_activity(*model, layer, blobs().test, statistics, task);
    at::Tensor w;
    for (const auto& [parameter, tensor] : model->parameters())
      if (parameter == layer.weight) w = tensor.detach();
    const at::Tensor before = w.clone();
    int compared = 0;
    for (int64_t k = 0; k < 6; ++k) {
      // The loss of another class is that of another target.
      if (!blobs().train->targets[k].equal(blobs().test->targets[k])) continue;
      const at::Tensor a = train.activities[k], da = test.activities[k] - a;
      w.copy_(before + at::outer(at::mv(before, da), a) / a.pow(2).sum());
      const auto moved = layer_activity(*model, layer, blobs().train, statistics, task);
      EXPECT_NEAR(moved.losses[k].item<double>(), test.losses[k].item<double>(), 1e-4);
      w.copy_(before);
      ++compared;
    }
    EXPECT_GT(compared, 0);
  }
}

TEST(LayerActivity, OfTheFirstLayerItIsTheInput) {
  const auto model = make_model("mlp-8-6", {.seed = 1});
  const DenseLayer layer = find_dense_layer(*model, "fc1");
  const auto found = layer_activity(*model, layer, blobs().test, *blobs().train, classification());
  EXPECT_TRUE(
      at::allclose(found.activities, blobs().test->inputs.flatten(1).to(at::kFloat), 1e-3, 1e-4));
}

TEST(LayerActivity, LayersThatAreNoneAreRefused) {
  const auto lenet = make_model("lenet", {.seed = 1});
  EXPECT_EQ(error_of<UsageError>([&] { find_dense_layer(*lenet, "conv1"); }),
            "layer: no dense layer with a bias is called 'conv1'; there are fc1, fc2");
  class Bare : public Model {
   public:
    at::Tensor forward(const at::Tensor& input) override { return at::mm(input.flatten(1), w); }
    std::vector<NamedTensor> parameters() override { return {{"w", w}}; }
    std::vector<NamedTensor> buffers() override { return {}; }
    void train(bool) override {}
    at::Tensor w = normals({4, 2}, 1, at::kFloat).set_requires_grad(true);
  } bare;
  EXPECT_EQ(error_of<UsageError>([&] { find_dense_layer(bare, ""); }),
            "the model has no dense layer with a bias");
}

}  // namespace
}  // namespace valley::duality_test
