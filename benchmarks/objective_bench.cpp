/// The time of one product with the Hessian beside one gradient and one loss, each over the same
/// examples; and of a point of a landscape on one thread and on two beside one plain evaluation of
/// the model on one thread. Synthetic images, the model as it is made.
///
///     objective_bench MODEL EXAMPLES [THREADS] [SIDE]
///
/// Prints one JSON line: milliseconds of each, the least of several turns; they alternate within
/// one process, so all see the same machine. "together" is a product of four at once.
#include <ATen/Parallel.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>

#include "app/engine/allocator.h"
#include "valley/analysis/draws.h"
#include "valley/analysis/objective.h"
#include "valley/analysis/plane.h"
#include "valley/comm/group.h"
#include "valley/core/clock.h"
#include "valley/evaluation/evaluate.h"
#include "valley/models/registry.h"

namespace {

constexpr int64_t kBatch = 64;

template <typename F>
void keep_least(double& least, const F& f) {
  const double start = valley::now_seconds();
  f();
  least = std::min(least, (valley::now_seconds() - start) * 1e3);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  valley::app::keep_freed_memory();
  const std::string model = argv[1];
  const int64_t examples = std::atoll(argv[2]);
  const int threads = argc > 3 ? std::atoi(argv[3]) : 0;
  const int64_t side = argc > 4 ? std::atoll(argv[4]) : 28;
  const int64_t channels = side == 28 ? 1 : 3;

  const auto data = std::make_shared<valley::Dataset>();
  data->inputs = at::randn({examples, channels, side, side});
  data->targets = at::randint(10, {examples}, at::kLong);
  data->classes = 10;
  data->mean.assign(static_cast<size_t>(channels), 0);
  data->stddev.assign(static_cast<size_t>(channels), 1);
  const auto make = [&] { return valley::make_model(model, {.input = {channels, side, side}}); };
  valley::Objective objective(make, data, *data, {.threads = threads});
  const at::Tensor x = objective.start().clone();
  std::vector<at::Tensor> vs;
  for (int64_t i = 0; i < 4; ++i) vs.push_back(valley::draw_normals(x, 0, "bench", i));

  valley::Objective alone(make, data, *data, {.threads = 1, .batch_size = kBatch});
  valley::Objective two(make, data, *data, {.threads = 2, .batch_size = kBatch});
  const valley::Plane plane = {.origin = x, .first = vs[0], .second = vs[1], .axes = {}};
  const auto model_of_evaluation = make();
  const auto solo = valley::make_solo();
  at::set_num_threads(1);

  constexpr int kTurns = 7;
  constexpr double kNever = std::numeric_limits<double>::infinity();
  double loss = kNever, gradient = kNever, product = kNever, together = kNever;
  double evaluation = kNever, point = kNever, point_of_two = kNever;
  for (int turn = 0; turn < kTurns; ++turn) {
    keep_least(loss, [&] { objective.loss(x); });
    keep_least(gradient, [&] { objective.gradient(x); });
    keep_least(product, [&] { objective.hessian_products(x, {vs[0]}); });
    keep_least(together, [&] { objective.hessian_products(x, vs); });
    keep_least(evaluation, [&] {
      valley::evaluate(*model_of_evaluation, data, *data, *solo, {.batch_size = kBatch});
    });
    keep_least(point, [&] { alone.scores(plane.at(1e-3, turn * 1e-3)); });
    keep_least(point_of_two, [&] { two.scores(plane.at(1e-3, turn * 1e-3)); });
  }
  std::printf(
      "{\"model\": \"%s\", \"parameters\": %lld, \"examples\": %lld, \"threads\": %d, "
      "\"loss\": %.2f, \"gradient\": %.2f, \"product\": %.2f, \"together\": %.2f, "
      "\"evaluation\": %.2f, \"point\": %.2f, \"point_of_two\": %.2f}\n",
      model.c_str(), static_cast<long long>(objective.size()), static_cast<long long>(examples),
      objective.threads(), loss, gradient, product, together / 4, evaluation, point, point_of_two);
}
