#include "tests/golden/ddp_lenet.h"

#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "valley/data/dataset.h"
#include "valley/models/registry.h"

namespace valley {
namespace {

// The C++ LeNet on the recipe, the ranks in turn and their gradients averaged by hand, against
// PyTorch's DistributedDataParallel. Says that the model and the recipe are right, so that a
// difference in a test of training is the training's.
class DdpLenet : public testing::TestWithParam<int> {};

TEST_P(DdpLenet, OneProcessRepeatsDistributedDataParallel) {
  const int workers = GetParam();
  const auto folder = std::filesystem::path("tests/golden");
  const golden::DdpLenet expected =
      golden::read_ddp_lenet(folder / fmt::format("ddp_lenet_{}.json", workers));
  ASSERT_EQ(expected.workers, workers);
  ASSERT_EQ(expected.losses.size(), static_cast<size_t>(golden::kSteps));

  const auto data = load_data("fashion-mnist", {}).train;
  const auto model = make_model("lenet", {});
  golden::set_initial_weights(*model);
  std::vector<at::Tensor> parameters, momenta;
  for (const auto& [name, tensor] : model->parameters()) {
    parameters.push_back(tensor);
    momenta.push_back(at::zeros_like(tensor));
  }

  for (int64_t step = 0; step < golden::kSteps; ++step) {
    for (int rank = 0; rank < workers; ++rank) {
      const auto [input, target] = golden::batch(data->inputs, data->targets, step, rank, workers);
      const at::Tensor loss = at::cross_entropy_loss(model->forward(input), target);
      loss.div(workers).backward();
      ASSERT_NEAR(loss.item<double>(), expected.losses[step][rank], golden::kTolerance)
          << "step " << step << " rank " << rank;
    }
    const at::NoGradGuard no_grad;
    for (size_t i = 0; i < parameters.size(); ++i) {
      at::Tensor& x = parameters[i];
      const at::Tensor gradient = x.grad().add(x, golden::kWeightDecay);
      momenta[i].mul_(golden::kMomentum).add_(gradient);
      x.sub_(gradient.add(momenta[i], golden::kMomentum), golden::kLearningRate);
      x.grad().zero_();
    }
  }
  double square = 0;
  for (const auto& [name, tensor] : model->parameters()) {
    const double norm = tensor.detach().norm().item<double>();
    EXPECT_NEAR(norm / expected.norms.at(name), 1, golden::kTolerance) << name;
    square += norm * norm;
  }
  EXPECT_NEAR(std::sqrt(square) / expected.norm, 1, golden::kTolerance);
}

INSTANTIATE_TEST_SUITE_P(Golden, DdpLenet, testing::Values(2, 3));

}  // namespace
}  // namespace valley
