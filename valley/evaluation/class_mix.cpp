#include "valley/evaluation/class_mix.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <span>

#include "valley/comm/group.h"
#include "valley/core/error.h"
#include "valley/data/loader.h"
#include "valley/evaluation/evaluate.h"
#include "valley/models/device.h"
#include "valley/models/mixed_precision.h"
#include "valley/models/model_pass.h"

namespace valley {
namespace {

// By class, the places of its examples.
std::vector<std::vector<int64_t>> places_of(const at::Tensor& targets, size_t classes) {
  std::vector<std::vector<int64_t>> places(classes);
  const int64_t* target = targets.data_ptr<int64_t>();
  for (int64_t i = 0; i < targets.numel(); ++i) {
    const auto c = static_cast<size_t>(target[i]);
    if (c < classes) places[c].push_back(i);
  }
  return places;
}

}  // namespace

std::vector<double> class_mix(const at::Tensor& targets, int64_t classes) {
  if (!has_classes(targets) || targets.numel() == 0) return {};
  std::vector<double> mix(static_cast<size_t>(classes));
  const auto places = places_of(targets, mix.size());
  for (size_t c = 0; c < mix.size(); ++c)
    mix[c] = static_cast<double>(places[c].size()) / static_cast<double>(targets.numel());
  return mix;
}

Scores evaluate_mix(Model& model, const std::shared_ptr<const Dataset>& data,
                    const Dataset& statistics, const std::vector<double>& mix,
                    const EvaluationOptions& options, const Task& task) {
  if (mix.empty()) return evaluate(model, data, statistics, *make_solo(), options, task);
  const c10::NoGradGuard no_grad;
  model.train(false);
  const size_t scores = task.sums(data->targets);
  Loader loader(data, statistics, Augmentation{}, /*seed=*/0, /*worker=*/0, device_of(model));
  std::vector<double> mean(scores);
  double share = 0;
  const auto places = places_of(data->targets, mix.size());
  for (size_t c = 0; c < mix.size(); ++c) {
    if (mix[c] == 0 || places[c].empty()) continue;
    std::vector<double> sums(scores);
    for (size_t begin = 0; begin < places[c].size(); begin += size_t(options.batch_size)) {
      const size_t end = std::min(places[c].size(), begin + size_t(options.batch_size));
      const Batch batch = loader.gather(std::span(places[c]).subspan(begin, end - begin), 0);
      model_pass([&] {
        task.add_scores(forward(model, batch.input, options.precision), batch.target, sums);
      });
    }
    for (size_t s = 0; s < scores; ++s)
      mean[s] += mix[c] * sums[s] / static_cast<double>(places[c].size());
    share += mix[c];
  }
  model.train(true);
  require(share > 0, "the test set has no example of the classes that a worker trains on");
  return scores_of(task, mean, share);
}

}  // namespace valley
