#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/linear.h>

#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <variant>

#include "valley/analysis/minimum.h"
#include "valley/analysis/pac_bayes.h"
#include "valley/analysis/registry.h"
#include "valley/analysis/row_scale.h"
#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/models/wrap.h"
#include "valley/testing/normals.h"

namespace valley::measures_test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

at::Tensor vec(std::vector<double> values) { return at::tensor(values, at::kDouble); }

// L0 + g.x + x^T diag(h) x / 2
struct Bowl {
  double l0 = 0.5;
  at::Tensor h, g;

  double loss(const at::Tensor& x) const {
    return l0 + (g * x).sum().item<double>() + (h * x * x).sum().item<double>() / 2;
  }
  LossGradient gradient(const at::Tensor& x) const { return {loss(x), g + h * x}; }

  MinimumData data(std::vector<at::Tensor> workers) const {
    MinimumData data;
    const Bowl bowl = *this;
    data.scores = [bowl](const at::Tensor& x) {
      return PointScores{.loss = bowl.loss(x), .error = 0.25, .entropy = 0.3};
    };
    data.gradient = [bowl](const at::Tensor& x) { return bowl.gradient(x); };
    data.products = [bowl](const std::vector<at::Tensor>& vs) {
      std::vector<at::Tensor> products;
      for (const auto& v : vs) products.push_back(bowl.h * v);
      return products;
    };
    data.average = at::zeros_like(h);
    data.workers = std::move(workers);
    data.initial = at::full_like(h, 2.0);
    data.examples = 100;
    return data;
  }
};

Bowl bowl(int64_t d = 40) {
  return {.h = at::linspace(0.1, 4, d, at::kDouble), .g = at::full({d}, 0.01, at::kDouble)};
}

std::vector<at::Tensor> two_workers(int64_t d = 40) {
  const at::Tensor x = normals({d}, 1);
  return {x, -x};
}

Measurement measure(const std::string& name, const MeasureOptions& options = {}) {
  Minimum minimum(bowl().data(two_workers()), options);
  return find_measure(name).measure(minimum);
}

void expect_within(const Measurement& measured, double expected, double most_error) {
  ASSERT_TRUE(measured.value);
  ASSERT_TRUE(measured.standard_error);
  EXPECT_GT(*measured.standard_error, 0);
  EXPECT_LT(*measured.standard_error, most_error);
  EXPECT_NEAR(*measured.value, expected, 3 * *measured.standard_error);
}

TEST(Measures, OfTheWorkersHaveTheirClosedForms) {
  const Bowl b = bowl();
  const at::Tensor x = two_workers()[0], delta = x / x.norm();
  const double slope = (b.g * delta).sum().item<double>();
  const double curvature = (b.h * delta * delta).sum().item<double>();
  double mean = 0;
  for (const double s : {slope, -slope}) {
    mean += (-s + std::sqrt(s * s + 2 * curvature * b.l0)) / curvature / 2;
  }
  const Measurement valley = measure("mean-valley");
  EXPECT_NEAR(*valley.value, 1 / mean, 1e-3 / mean);
  const auto& details = std::get<MeanValleyDetails>(valley.details);
  EXPECT_EQ(details.options.search, ValleySearch::kBisect);
  EXPECT_TRUE(details.valley.all_crossed());
  EXPECT_EQ(valley.note, "");
  double share = 0;
  for (const double s : {slope, -slope})
    share +=
        x.norm().item<double>() / 2 * curvature / (-s + std::sqrt(s * s + 2 * curvature * b.l0));
  EXPECT_NEAR(*measure("mean-valley-share").value, share, 1e-3 * share);
  // The spread of two workers at x and -x is x x^T.
  expect_within(measure("average-direction", {.draws = 2000}),
                (b.h * x * x).sum().item<double>() / 2, 3);
}

// In a round bowl every direction is as good as another.
TEST(Measures, ARoundValleyIsAsWideEverywhere) {
  Bowl round = bowl();
  round.h.fill_(3);
  round.g.zero_();
  Minimum minimum(round.data(two_workers()), {.draws = 5});
  const Measurement random = find_measure("mean-valley-random").measure(minimum);
  const double inverse = std::sqrt(3 / (2 * round.l0));
  EXPECT_NEAR(*random.value, inverse, 1e-3 * inverse);
  EXPECT_LT(*random.standard_error, 1e-3 * inverse);
  EXPECT_EQ(std::get<MeanValleyDetails>(random.details).valley.distances.size(), 5);
  EXPECT_NEAR(*find_measure("mean-valley").measure(minimum).value, inverse, 1e-3 * inverse);
}

TEST(Measures, SayWhereTheValleyHasNoWall) {
  Bowl flat = bowl();
  flat.h.zero_();
  flat.g.zero_();
  Minimum minimum(flat.data(two_workers()), {});
  const Measurement valley = find_measure("mean-valley").measure(minimum);
  EXPECT_EQ(valley.note,
            "not crossed up to distance 10000 towards worker 0, 1: the true value is smaller");
  EXPECT_FALSE(std::get<MeanValleyDetails>(valley.details).valley.distances[0]);
  const Measurement pac = find_measure("pac-bayes").measure(minimum);
  EXPECT_FALSE(pac.value);
  EXPECT_EQ(pac.note, "the loss does not rise by 0.1 under any noise");
  EXPECT_EQ(error_of<UsageError>([&] { find_measure("sam").measure(minimum); }),
            "the gradient has no direction, its length is 0");
}

TEST(Measures, OfTheNoisyLossHaveTheirClosedForms) {
  const Bowl b = bowl();
  const double sigma = 0.3;
  const MeasureOptions options = {.draws = 3000, .sigma = sigma};
  expect_within(measure("lpf", options), b.l0 + sigma * sigma * b.h.sum().item<double>() / 2, 0.05);
  const double g2 = (b.g * b.g / (1 + sigma * sigma * b.h)).sum().item<double>();
  const double entropy =
      -b.l0 - (sigma * sigma * b.h).log1p().sum().item<double>() / 2 + sigma * sigma * g2 / 2;
  expect_within(measure("local-entropy", options), entropy, 0.05);
}

TEST(Measures, PacBayesHasItsClosedForm) {
  const Bowl b = bowl();
  const Measurement measured = measure("pac-bayes", {.draws = 3000});
  const double sigma2 = 2 * 0.1 / b.h.sum().item<double>();
  EXPECT_NEAR(*std::get<PacBayesDetails>(measured.details).sigma, std::sqrt(sigma2),
              0.02 * std::sqrt(sigma2));
  // ||x - x_0||^2 = 4 d; the bisection of sigma is good to 1 %.
  const double expected = 4 * 40 / (4 * sigma2) + std::log(2 * 100 / 1e-6);
  EXPECT_NEAR(*measured.value, expected, 0.03 * expected);
  EXPECT_GT(*measured.standard_error, 0);
  EXPECT_LT(*measured.standard_error, 0.02 * expected);
}

TEST(Measures, TheErrorOfPacBayesIsTheSpreadOverSeeds) {
  std::vector<double> values, errors;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const Measurement measured = measure("pac-bayes", {.seed = seed, .draws = 10});
    values.push_back(*measured.value);
    errors.push_back(*measured.standard_error);
  }
  const double spread = mean_estimate(values).standard_error * std::sqrt(40);
  EXPECT_NEAR(mean_estimate(errors).value, spread, 0.5 * spread);
}

TEST(Measures, TheValleyBoundIsTheTheoremAtItsBestPrior) {
  const double r = 3, distance = 5, d = 50, n = 1000, delta = 0.05;
  const auto bound = [&](double s2) {
    const double kl =
        (r * r / s2 + distance * distance / s2 - d + d * std::log(d * s2 / (r * r))) / 2;
    return 0.1 + std::sqrt((kl + std::log(2 * std::sqrt(n) / delta)) / (2 * n));
  };
  const double best = (r * r + distance * distance) / d;
  EXPECT_NEAR(valley_bound(0.1, r, distance, 50, 1000), bound(best), 1e-12);
  EXPECT_LT(bound(best), bound(0.9 * best));
  EXPECT_LT(bound(best), bound(1.1 * best));
  EXPECT_EQ(error_of<UsageError>([] { valley_bound(0.1, 0, 1, 1, 1); }),
            "the radius must be greater than 0, got 0");
  const Measurement measured = measure("valley-bound");
  EXPECT_NEAR(
      *measured.value,
      valley_bound(0.25, two_workers()[0].norm().item<double>(), 2 * std::sqrt(40), 40, 100),
      1e-12);
}

TEST(Measures, UphillHaveTheirClosedForms) {
  const Bowl b = bowl();
  const at::Tensor up = b.g / b.g.norm();
  const double g = b.g.norm().item<double>(), a = (b.h * up * up).sum().item<double>();
  const double t = (-g + std::sqrt(g * g + 2 * a * 0.1)) / a;
  EXPECT_NEAR(*measure("eps-sharpness").value, 1 / t, 1e-3 / t);
  // g is along all axes: the mean curvature.
  EXPECT_NEAR(*measure("critical-sharpness").value, 2.05, 1e-6);
  EXPECT_NEAR(*measure("gradient-norm").value, g, 1e-15);
  const Measurement sam = measure("sam", {.rho = 0.5});
  const double one_step = 0.5 * g + 0.125 * a;
  EXPECT_NEAR(std::get<SamDetails>(sam.details).one_step, one_step, 1e-12);
  EXPECT_GT(*sam.value, one_step);
}

// In two dimensions the highest point of the circle can be looked for everywhere.
TEST(Measures, SamFindsTheHighestPoint) {
  const Bowl b = {.l0 = 1, .h = vec({8, 1}), .g = vec({0.05, 0.1})};
  const double rho = 0.3;
  double highest = 0;
  for (double angle = 0; angle < 2 * M_PI; angle += 1e-4) {
    const at::Tensor e = vec({rho * std::cos(angle), rho * std::sin(angle)});
    highest = std::max(highest, b.loss(e) - b.l0);
  }
  const at::Tensor zero = at::zeros({2}, at::kDouble);
  const SamSharpness found = sam_sharpness([&](const at::Tensor& x) { return b.gradient(x); }, zero,
                                           b.gradient(zero), {.rho = rho, .steps = 20});
  EXPECT_NEAR(found.rise, highest, 1e-6);
  EXPECT_LT(found.one_step, 0.7 * highest);
}

TEST(Measures, OfTheHessianHaveTheirClosedForms) {
  const Bowl b = bowl();
  EXPECT_NEAR(*measure("lambda-max").value, 4, 4e-3);
  EXPECT_NEAR(*measure("trace").value, b.h.sum().item<double>(), 1e-9);
  EXPECT_NEAR(*measure("frobenius").value, b.h.norm().item<double>(), 1e-9);
  const Measurement spectrum = measure("spectral-density");
  EXPECT_NEAR(*spectrum.value, 0, 1e-9);
  const auto& density = std::get<SpectrumDetails>(spectrum.details);
  EXPECT_NEAR(density.largest, 4, 0.02);
  EXPECT_EQ(density.at.size(), 256u);

  Bowl saddle = bowl();
  saddle.h[0] = -20;
  MinimumData data = saddle.data(two_workers());
  data.average = at::ones({40}, at::kDouble);
  Minimum minimum(std::move(data), {.spectrum_probes = 200});
  EXPECT_NEAR(*find_measure("fisher-rao").measure(minimum).value, saddle.h.sum().item<double>(),
              1e-9);
  const double all = saddle.h.abs().sum().item<double>();
  expect_within(find_measure("spectral-density").measure(minimum), 20 / all, 0.05);
}

TEST(Measures, KeepFewerVectorsWhereTheMemoryIsSmall) {
  const Measurement few = measure("lambda-max", {.bytes = 11 * 40 * 8});
  EXPECT_TRUE(
      few.note.starts_with("10 of 60 Lanczos vectors: more do not fit into 3.52 kB; after "
                           "10 Lanczos steps an eigenvalue within "))
      << few.note;
  const Measurement spectrum = measure("spectral-density", {.bytes = 3 * 11 * 40 * 8});
  EXPECT_EQ(spectrum.note, "10 of 20 Lanczos vectors: more do not fit into 10.6 kB");
  EXPECT_EQ(Minimum(bowl().data({}), {.bytes = 0}).together(8), 1);
  EXPECT_EQ(Minimum(bowl().data({}), {}).together(8), 8);
}

TEST(Measures, TheTableIsWhole) {
  std::set<std::string> names;
  Minimum minimum(bowl().data(two_workers()), {});
  for (const MeasureEntry& entry : measures()) {
    SCOPED_TRACE(entry.name);
    EXPECT_TRUE(names.insert(entry.name).second);
    EXPECT_FALSE(entry.summary.empty() || entry.cost.empty());
    EXPECT_GE(entry.passes(minimum), 0);
    EXPECT_EQ(why_not(entry, minimum), "");
    const Measurement measured = entry.measure(minimum);
    ASSERT_TRUE(measured.value);
    EXPECT_TRUE(std::isfinite(*measured.value));
    EXPECT_EQ(measured.standard_error.has_value(), entry.stochastic);
    const bool seeded = std::visit(
        [](const auto& details) {
          if constexpr (requires { details.draws.has_value(); }) {
            return details.draws.has_value();
          } else {
            return requires { details.draws; }
            || requires { details.seed; };
          }
        },
        measured.details);
    EXPECT_EQ(seeded, entry.stochastic || entry.name == "lambda-max");
    // The same bits once more.
    Minimum again(bowl().data(two_workers()), {});
    EXPECT_EQ(entry.measure(again).value, measured.value);
  }
  EXPECT_EQ(error_of<UsageError>([] { find_measure("lamda-max"); }).substr(0, 56),
            "unknown measure 'lamda-max'; did you mean 'lambda-max'? ");
}

TEST(Measures, KnowWhatTheyNeed) {
  const MeasureEntry &valley = find_measure("mean-valley"), &pac = find_measure("pac-bayes"),
                     &trace = find_measure("trace");
  Minimum alone(bowl().data({at::zeros({40}, at::kDouble)}), {});
  EXPECT_EQ(why_not(valley, alone), "needs two workers, the run has one");
  EXPECT_EQ(why_not(find_measure("valley-bound"), alone), "needs two workers, the run has one");
  EXPECT_EQ(why_not(trace, alone), "");
  const at::Tensor zero = at::zeros({40}, at::kDouble);
  Minimum equal(bowl().data({zero, zero}), {});
  EXPECT_EQ(why_not(valley, equal), "needs workers that differ, at least one is at the average");
  MinimumData data = bowl().data(two_workers());
  data.initial = at::Tensor();
  Minimum without(data, {});
  EXPECT_EQ(why_not(pac, without), "needs the weights that training began with");
  EXPECT_EQ(why_not(valley, without), "");
}

TEST(Measures, RefuseOptionsOutOfRange) {
  const auto error = [](const MeasureOptions& o) {
    return error_of<UsageError>([&] { check(o); });
  };
  EXPECT_EQ(error({}), "no error");
  EXPECT_EQ(error({.valley = {.kappa = 1}}), "kappa must be greater than 1, got 1");
  EXPECT_EQ(error({.draws = 1}), "draws must be at least 2, got 1");
  EXPECT_EQ(error({.rho = 0}), "rho must be greater than 0, got 0");
  EXPECT_EQ(error({.sigma = kInfinity}), "sigma must be greater than 0, got inf");
  EXPECT_EQ(error({.rise = 0}), "rise must be greater than 0, got 0");
  EXPECT_EQ(error_of<UsageError>([&] {
              losses_around([](const at::Tensor&) { return kInfinity; }, at::ones({2}), 0.5, 1, 0);
            }),
            "the loss is inf under noise of deviation 0.5");
}

TEST(RowScale, GivesEveryRowItsNorm) {
  const std::vector<NamedRange> ranges = {
      {"fc.weight", 0, 4, {2, 2}}, {"fc.bias", 4, 2, {2}}, {"factor", 6, 1, {}},
      {"token", 7, 2, {1, 2}},     {"none", 9, 0, {0}},
  };
  const at::Tensor s = row_scale(vec({3, 4, 0, 0, -8, 6, -2, 5, 12}), ranges);
  EXPECT_TRUE(s.equal(vec({5, 5, 1, 1, 10, 10, 2, 13, 13}))) << s;
}

struct Relu : torch::nn::Module {
  explicit Relu(double factor) {
    fc1 = register_module("fc1", torch::nn::Linear(4, 6));
    fc2 = register_module("fc2", torch::nn::Linear(6, 3));
    to(at::kDouble);
    uint64_t seed = 0;
    for (auto& p : parameters()) p.set_data(normals(p.sizes(), ++seed));
    const at::NoGradGuard no_grad;
    fc1->weight.mul_(factor);
    fc1->bias.mul_(factor);
    fc2->weight.div_(factor);
  }
  at::Tensor forward(const at::Tensor& u) {
    return fc2(at::relu(fc1(u.flatten(1).to(at::kDouble))));
  }
  torch::nn::Linear fc1{nullptr}, fc2{nullptr};
};

// The same function, its layers multiplied and divided by 5.
TEST(RowScale, MakesMeasuresInvariantToRescaledLayers) {
  auto data = std::make_shared<Dataset>();
  data->inputs = normals({40, 1, 2, 2}, 3, at::kFloat);
  data->targets = at::arange(40, at::kLong).remainder(3);
  data->classes = 3;
  data->mean = {0};
  data->stddev = {1};
  const auto all_measures = [&](double factor, bool normalise) {
    Objective objective([&] { return wrap(std::make_shared<Relu>(factor)); }, data, *data,
                        {.threads = 1});
    // Workers and start move with the layers, as training from there would.
    at::Tensor unit = at::ones({objective.size()}, at::kDouble);
    unit.narrow(0, 0, 30).fill_(factor);
    unit.narrow(0, 30, 18).fill_(1 / factor);
    const at::Tensor x = objective.start().clone(), step = unit * normals({objective.size()}, 5);
    const at::Tensor scale = normalise ? row_scale(x, objective.ranges()) : at::Tensor();
    Minimum minimum(minimum_of(objective, x, {x + 0.1 * step, x - 0.1 * step}, x + step, scale),
                    {.draws = 3, .lanczos_steps = 8, .spectrum_probes = 2, .spectrum_steps = 4});
    std::map<std::string, double> values;
    for (const MeasureEntry& entry : measures()) values[entry.name] = *entry.measure(minimum).value;
    return values;
  };
  const auto one = all_measures(1, false), rescaled = all_measures(5, false);
  EXPECT_GT(std::abs(rescaled.at("trace") / one.at("trace") - 1), 0.5);
  EXPECT_GT(std::abs(rescaled.at("lambda-max") / one.at("lambda-max") - 1), 0.5);
  EXPECT_GT(std::abs(rescaled.at("mean-valley") / one.at("mean-valley") - 1), 0.2);
  EXPECT_NEAR(rescaled.at("mean-valley-share"), one.at("mean-valley-share"),
              2e-3 * one.at("mean-valley-share"));
  EXPECT_NEAR(rescaled.at("entropy"), one.at("entropy"), 1e-12);
  EXPECT_NEAR(rescaled.at("fisher-rao"), one.at("fisher-rao"), 1e-9);
  const auto one_normalised = all_measures(1, true), other_normalised = all_measures(5, true);
  for (const auto& [name, value] : one_normalised) {
    EXPECT_NEAR(other_normalised.at(name), value, 1e-6 * std::abs(value)) << name;
  }
}

}  // namespace
}  // namespace valley::measures_test
