#include "valley/data/synthetic.h"

#include <ATen/ops/empty.h>

#include <cmath>
#include <memory>
#include <numbers>
#include <vector>

#include "valley/core/random.h"

namespace valley {
namespace {

/// fill(target, random, values) writes the example's values; the target comes in turn.
template <typename Fill>
std::shared_ptr<const Dataset> make_split(int64_t n, std::vector<int64_t> shape, int64_t classes,
                                          uint64_t seed, const Fill& fill) {
  auto data = std::make_shared<Dataset>();
  data->classes = classes;
  data->mean.assign(shape[0], 0.0f);
  data->stddev.assign(shape[0], 1.0f);
  const int64_t values = shape[0] * shape[1] * shape[2];
  shape.insert(shape.begin(), n);
  data->inputs = at::empty(shape, at::kFloat);
  data->targets = at::empty({n}, at::kLong);

  Random random(seed);
  float* input = data->inputs.data_ptr<float>();
  int64_t* target = data->targets.data_ptr<int64_t>();
  for (int64_t i = 0; i < n; ++i) {
    target[i] = i % classes;
    fill(target[i], random, input + i * values);
  }
  return data;
}

template <typename Fill>
DataSplits make_splits(const DataOptions& options, const std::vector<int64_t>& shape,
                       int64_t classes, const Fill& fill, int64_t default_train = 4096) {
  const int64_t train = options.train_samples > 0 ? options.train_samples : default_train;
  const int64_t test = options.test_samples > 0 ? options.test_samples : 1024;
  return {make_split(train, shape, classes, derive_seed(options.seed, 0, "synthetic-train"), fill),
          make_split(test, shape, classes, derive_seed(options.seed, 0, "synthetic-test"), fill)};
}

}  // namespace

DataSplits make_blobs(const DataOptions& options) {
  constexpr int64_t kClasses = 10, kSide = 28, kBlock = 4, kBlocks = kSide / kBlock;
  Random random(derive_seed(options.seed, 0, "synthetic-prototypes"));
  std::vector<double> prototypes(kClasses * kBlocks * kBlocks);
  for (double& value : prototypes) value = 0.5 * random.normal();

  return make_splits(
      options, {1, kSide, kSide}, kClasses, [&](int64_t target, Random& random, float* values) {
        const double* prototype = &prototypes[target * kBlocks * kBlocks];
        for (int64_t y = 0; y < kSide; ++y)
          for (int64_t x = 0; x < kSide; ++x)
            *values++ =
                static_cast<float>(prototype[y / kBlock * kBlocks + x / kBlock] + random.normal());
      });
}

DataSplits make_xor(const DataOptions& options) {
  return make_splits(options, {2, 1, 1}, 2, [](int64_t target, Random& random, float* values) {
    const double first = random.below(2) == 0 ? -1 : 1;
    const double second = target == 0 ? first : -first;
    values[0] = static_cast<float>(first + 0.3 * random.normal());
    values[1] = static_cast<float>(second + 0.3 * random.normal());
  });
}

DataSplits make_spirals(const DataOptions& options) {
  return make_splits(options, {2, 1, 1}, 2, [](int64_t target, Random& random, float* values) {
    const double along = random.uniform();
    const double radius = 0.2 + 1.8 * along;
    const double angle = std::numbers::pi * (3 * along + static_cast<double>(target));
    values[0] = static_cast<float>(radius * std::cos(angle) + 0.05 * random.normal());
    values[1] = static_cast<float>(radius * std::sin(angle) + 0.05 * random.normal());
  });
}

DataSplits make_prototypes(const DataOptions& options) {
  constexpr int64_t kClasses = 10, kPrototypes = 20, kSize = 32;
  Random random(derive_seed(options.seed, 0, "synthetic-prototypes"));
  std::vector<double> offset(kSize), centres;  // o; o + mu_m, [kPrototypes, kSize]
  for (double& value : offset) value = random.normal();
  for (int64_t m = 0; m < kPrototypes; ++m)
    for (const double value : offset) centres.push_back(value + random.normal());

  const auto fill = [&](int64_t target, Random& random, float* values) {
    const auto m = target + kClasses * static_cast<int64_t>(random.below(kPrototypes / kClasses));
    for (int64_t k = 0; k < kSize; ++k)
      values[k] = static_cast<float>(centres[m * kSize + k] + random.normal());
  };
  return make_splits(options, {kSize, 1, 1}, kClasses, fill, /*default_train=*/4000);
}

}  // namespace valley
