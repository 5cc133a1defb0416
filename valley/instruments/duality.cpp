#include "valley/instruments/duality.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cdist.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "valley/analysis/alignment.h"
#include "valley/analysis/draws.h"
#include "valley/analysis/duality.h"
#include "valley/analysis/layer_activity.h"
#include "valley/analysis/objective.h"
#include "valley/core/error.h"
#include "valley/data/loader.h"
#include "valley/instruments/examples.h"
#include "valley/instruments/pass_meter.h"

namespace valley {
namespace {

constexpr int64_t kSteps = 60;  // of Lanczos, at least

// [N, values], as a model sees them.
at::Tensor inputs_of(const std::shared_ptr<const Dataset>& data, const Dataset& statistics) {
  Loader loader(data, statistics, Augmentation{}, /*seed=*/0, /*worker=*/0);
  return loader.range(0, data->size()).input.flatten(1).clone();
}

// For every test example the training example nearest to it, of its class.
at::Tensor nearest(const std::shared_ptr<const Dataset>& test,
                   const std::shared_ptr<const Dataset>& train, const Dataset& statistics) {
  at::Tensor distances = at::cdist(inputs_of(test, statistics), inputs_of(train, statistics));
  if (has_classes(train->targets)) {
    const at::Tensor other = test->targets.unsqueeze(1).ne(train->targets.unsqueeze(0));
    distances.masked_fill_(other, std::numeric_limits<float>::infinity());
  }
  return distances.argmin(1);
}

// Products with the Hessian of one range of the parameters alone.
SymmetricProducts products_within(Objective& objective, const NamedRange& range) {
  return [&objective, range](const std::vector<at::Tensor>& vs) {
    std::vector<at::Tensor> whole, result;
    for (const at::Tensor& v : vs) {
      whole.push_back(at::zeros_like(objective.start()));
      whole.back().narrow(0, range.offset, range.size).copy_(v);
    }
    for (const at::Tensor& product : objective.hessian_products(objective.start(), whole))
      result.push_back(product.narrow(0, range.offset, range.size).clone());
    return result;
  };
}

}  // namespace

DualityResult measure_duality(const FinishedRun& run, const DualityOptions& options, int threads,
                              const InstrumentWatch& watch) {
  check(options);
  const DataSplits data = run.load_data();
  require(!data.train->is_text(), "{}: pairs are by values, and the run learnt from text",
          run.folder());
  const auto train = examples_of(data.train, options.samples, options.seed);
  const auto test = examples_of(data.test, options.samples, options.seed);
  const auto model = run.make_model(data);
  const DenseLayer layer = find_dense_layer(*model, options.layer);
  const int64_t steps = std::max(kSteps, 2 * options.directions);
  PassMeter meter(watch.progress, {3, 3, 9 * static_cast<double>(steps)});
  const auto stop = [&] {
    if (watch.stop != nullptr && *watch.stop) throw Stopped{};
  };
  meter.begin(3);
  const auto of_train = layer_activity(*model, layer, train, *data.train, run.task());
  stop();
  meter.begin(3);
  const auto of_test = layer_activity(*model, layer, test, *data.train, run.task());
  stop();

  Objective objective([&] { return run.make_model(data); }, train, *data.train,
                      {.threads = threads,
                       .decay_rule = run.decay_rule(),
                       .task = &run.task(),
                       .on_passes = [&](double passes) {
                         stop();
                         meter.add(passes);
                       }});
  const auto& ranges = objective.ranges();
  const NamedRange range = *std::find_if(ranges.begin(), ranges.end(), [&](const NamedRange& one) {
    return one.name == layer.weight;
  });
  const at::Tensor w = objective.start().narrow(0, range.offset, range.size).view(range.shape);

  const c10::NoGradGuard no_grad;
  const at::Tensor partner = nearest(test, train, *data.train).to(w.device());
  const at::Tensor a = of_train.activities.index_select(0, partner);
  const at::Tensor there = a.ne(0).any(1).nonzero().flatten();
  require(there.numel() > 0, "{}: no example moves the layer {}", run.folder(), layer.weight);
  const at::Tensor dl = of_test.losses - of_train.losses.index_select(0, partner.cpu());
  const DualPairs pairs{at::mm(of_test.activities - a, w.t()).index_select(0, there),
                        a.index_select(0, there), dl.index_select(0, there.cpu()).to(w.device())};
  meter.begin(9 * static_cast<double>(steps));
  const SharpDirections sharp =
      sharp_directions(products_within(objective, range),
                       draw_normals(w.flatten(), static_cast<uint64_t>(options.seed), "duality", 0),
                       steps, std::min(options.directions, range.size));
  const DualDecomposition found = decompose(pairs, sharp);
  meter.finish();

  DualityResult result{.run = facts_of(run),
                       .options = options,
                       .layer = layer.weight.substr(0, layer.weight.rfind('.')),
                       .weights = range.size,
                       .pairs = there.numel(),
                       .left_out = a.size(0) - there.numel(),
                       .train_loss = of_train.losses.mean().item<double>(),
                       .test_loss = of_test.losses.mean().item<double>(),
                       .gap = found.gap,
                       .rest = found.rest};
  for (const DualDirection& d : found.directions) {
    result.directions.push_back({d.eigenvalue, d.residual, d.correlation, d.sigma_w, d.sigma_g,
                                 d.mean_w, d.mean_g, d.contribution()});
  }
  return result;
}

Json to_json(const DualityResult& result) {
  Json json = to_json(result.run);
  json.update({{"samples", result.options.samples},
               {"seed", result.options.seed},
               {"layer", result.layer},
               {"weights", result.weights},
               {"pairs", result.pairs},
               {"left_out", result.left_out},
               {"train_loss", finite_or_null(result.train_loss)},
               {"test_loss", finite_or_null(result.test_loss)},
               {"gap", finite_or_null(result.gap)},
               {"rest", finite_or_null(result.rest)},
               {"directions", Json::array()}});
  for (const GapDirection& d : result.directions) {
    json["directions"].push_back({{"eigenvalue", finite_or_null(d.eigenvalue)},
                                  {"residual", finite_or_null(d.residual)},
                                  {"correlation", finite_or_null(d.correlation)},
                                  {"sigma_w", finite_or_null(d.sigma_w)},
                                  {"sigma_g", finite_or_null(d.sigma_g)},
                                  {"mean_w", finite_or_null(d.mean_w)},
                                  {"mean_g", finite_or_null(d.mean_g)},
                                  {"contribution", finite_or_null(d.contribution)}});
  }
  return json;
}

}  // namespace valley
