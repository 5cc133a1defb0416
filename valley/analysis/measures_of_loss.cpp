#include "valley/analysis/measures_of_loss.h"

#include <ATen/ops/add.h>
#include <ATen/ops/sub.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "valley/analysis/critical.h"
#include "valley/analysis/draws.h"
#include "valley/analysis/length.h"
#include "valley/analysis/minimum.h"
#include "valley/analysis/pac_bayes.h"

namespace valley {
namespace {

Draws draws_of(const Minimum& minimum) { return {minimum.options().draws, minimum.options().seed}; }

// Of a value that falls as the distances grow: where one is only known to be beyond the cap.
std::string beyond_the_cap(const MeanValley& valley, double cap, const char* name) {
  std::vector<size_t> beyond;
  for (size_t m = 0; m < valley.distances.size(); ++m) {
    if (!valley.distances[m]) beyond.push_back(m);
  }
  if (beyond.empty()) return "";
  return fmt::format("not crossed up to distance {} towards {} {}: the true value is smaller", cap,
                     name, fmt::join(beyond, ", "));
}

}  // namespace

Measurement measure_mean_valley(Minimum& minimum) {
  const MeanValley& valley = minimum.valley();
  const MeanValleyOptions& options = minimum.options().valley;
  return {.value = valley.inverse,
          .note = beyond_the_cap(valley, options.cap, "worker"),
          .details = MeanValleyDetails{valley, options}};
}

Measurement measure_mean_valley_share(Minimum& minimum) {
  const MeanValley& valley = minimum.valley();
  const MeanValleyOptions& options = minimum.options().valley;
  const MinimumData& data = minimum.data();
  double share = 0;
  for (size_t m = 0; m < data.workers.size(); ++m)
    share += length(at::sub(data.workers[m], data.average)) /
             valley.distances[m].value_or(options.cap) / double(data.workers.size());
  return {.value = share, .note = beyond_the_cap(valley, options.cap, "worker")};
}

Measurement measure_mean_valley_random(Minimum& minimum) {
  const MeasureOptions& options = minimum.options();
  const MeanValley valley = mean_valley_along_random(
      minimum.loss_function(), minimum.data().average, options.draws, options.seed, options.valley);
  std::vector<double> distances;
  for (const auto& t : valley.distances) distances.push_back(t.value_or(options.valley.cap));
  const Estimate mean = mean_estimate(distances);
  const Estimate inverse = transformed(mean, valley.inverse, valley.inverse * valley.inverse);
  return {.value = inverse.value,
          .standard_error = inverse.standard_error,
          .note = beyond_the_cap(valley, options.valley.cap, "direction"),
          .details = MeanValleyDetails{valley, options.valley, draws_of(minimum)}};
}

Measurement measure_entropy(Minimum& minimum) {
  const double entropy = minimum.at_average().entropy;
  if (std::isnan(entropy)) return {.note = "the outputs of this task are no distributions"};
  return {.value = entropy};
}

Measurement measure_gradient_norm(Minimum& minimum) {
  return {.value = length(minimum.gradient().gradient)};
}

Measurement measure_eps_sharpness(Minimum& minimum) {
  const double rise = minimum.options().rise;
  const auto value =
      epsilon_sharpness(minimum.loss_function(), minimum.data().average, minimum.gradient(), rise);
  Measurement result{.value = value, .details = RiseDetails{rise}};
  if (!value) result.note = fmt::format("the loss does not rise by {} along the gradient", rise);
  return result;
}

Measurement measure_critical_sharpness(Minimum& minimum) {
  const LossGradient& at = minimum.gradient();
  const CriticalStep step =
      critical_step(minimum.loss_function(), minimum.data().average, at, at.gradient);
  if (step.eta == 0) return {.note = "the gradient is 0: no step along it leads down"};
  Measurement result{.value = 2 / step.eta};
  if (!step.converged) {
    result.note = fmt::format("after {} losses the step is not settled", step.losses);
  }
  return result;
}

Measurement measure_sam(Minimum& minimum) {
  const SamSearch search{.rho = minimum.options().rho};
  const SamSharpness found =
      sam_sharpness(minimum.data().gradient, minimum.data().average, minimum.gradient(), search);
  return {.value = found.rise, .details = SamDetails{search.rho, search.steps, found.one_step}};
}

Measurement measure_lpf(Minimum& minimum) {
  const Estimate loss = low_pass(minimum.noisy_losses());
  return {.value = loss.value,
          .standard_error = loss.standard_error,
          .details = NoiseDetails{minimum.options().sigma, draws_of(minimum)}};
}

Measurement measure_local_entropy(Minimum& minimum) {
  const Estimate entropy = local_entropy(minimum.noisy_losses());
  return {.value = entropy.value,
          .standard_error = entropy.standard_error,
          .details = NoiseDetails{minimum.options().sigma, draws_of(minimum)}};
}

Measurement measure_average_direction(Minimum& minimum) {
  const MinimumData& data = minimum.data();
  const Estimate rise =
      average_direction(minimum.loss_function(), data.average, data.workers,
                        minimum.at_average().loss, minimum.options().draws, minimum.options().seed);
  return {.value = rise.value,
          .standard_error = rise.standard_error,
          .details = AverageDirectionDetails{minimum.valley_width(), draws_of(minimum)}};
}

Measurement measure_pac_bayes(Minimum& minimum) {
  const MinimumData& data = minimum.data();
  const MeasureOptions& o = minimum.options();
  const auto found =
      pac_bayes(minimum.loss_function(), data.average, data.initial, minimum.at_average().loss,
                data.examples, {.rise = o.rise, .draws = o.draws, .seed = o.seed});
  PacBayesDetails details{.rise = o.rise, .draws = draws_of(minimum), .sigma = {}};
  if (!found) {
    return {.note = fmt::format("the loss does not rise by {} under any noise", o.rise),
            .details = details};
  }
  details.sigma = found->sigma;
  return {.value = found->measure.value,
          .standard_error = found->measure.standard_error,
          .details = details};
}

Measurement measure_valley_bound(Minimum& minimum) {
  if (std::isnan(minimum.at_average().error))
    return {.note = "bounds a share of wrong answers, which this task has not"};
  const MinimumData& data = minimum.data();
  const MeasureOptions& o = minimum.options();
  const double radius = minimum.valley_width();
  const double distance = length(at::sub(data.average, data.initial));
  const double sigma = radius / std::sqrt(static_cast<double>(minimum.dimension()));
  std::vector<double> errors;
  for (int64_t k = 0; k < o.draws; ++k) {
    const at::Tensor z = draw_normals(data.average, o.seed, "valley-bound", k);
    errors.push_back(data.scores(at::add(data.average, z, sigma)).error);
  }
  const Estimate error = mean_estimate(errors);
  const double bound =
      valley_bound(error.value, radius, distance, minimum.dimension(), data.examples);
  Measurement result{.value = bound, .standard_error = error.standard_error};
  if (bound >= 1) result.note = "at 1 and above it bounds nothing; a figure to compare with";
  result.details = ValleyBoundDetails{
      .error = error.value, .radius = radius, .distance = distance, .draws = draws_of(minimum)};
  return result;
}

}  // namespace valley
