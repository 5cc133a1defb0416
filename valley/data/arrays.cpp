#include "valley/data/arrays.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/nonzero.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>

#include "valley/core/error.h"
#include "valley/data/array_source.h"
#include "valley/data/statistics.h"

namespace valley {
namespace {

struct ArraySplit {
  std::string x_path, y_path;
  at::Tensor x, y;
};

/// "[3, 0]": where in an array of these sizes its flat position is.
std::string place_of(int64_t position, at::IntArrayRef sizes) {
  std::vector<int64_t> place(sizes.size());
  for (size_t k = sizes.size(); k-- > 0; position /= sizes[k]) place[k] = position % sizes[k];
  return fmt::format("[{}]", fmt::join(place, ", "));
}

void require_finite(const at::Tensor& values, const std::string& path) {
  const auto wrong = first_not_finite(values);
  require(!wrong, "{} holds {} at {}", path, wrong ? values.view(-1)[*wrong].item<double>() : 0.0,
          wrong ? place_of(*wrong, values.sizes()) : "");
}

at::Tensor as_images(const at::Tensor& x, const std::string& path) {
  const at::IntArrayRef s = x.sizes();
  switch (x.dim()) {
    case 1:
    case 2:
      return x.view({s[0], x.dim() == 1 ? 1 : s[1], 1, 1});
    case 3:
      return x.view({s[0], 1, s[1], s[2]});
    case 4:
      break;
    default:
      throw UsageError(fmt::format(
          "{} is [{}], expected [N], [N, features], [N, steps, features] or [N, C, H, W]", path,
          fmt::join(s, ", ")));
  }
  const bool last = (s[3] == 3 || s[3] == 4) && s[1] > 4 && s[2] > 4;
  require(!last,
          "{} is [{}], with channels last; save x.transpose(0, 3, 1, 2) in its place (after "
          "numpy.ascontiguousarray)",
          path, fmt::join(s, ", "));
  return x;
}

// 0 or 1 for each of K labels: [N, K].
at::Tensor as_labels(const at::Tensor& y, const std::string& path) {
  require(y.dim() == 2, "{} is [{}], expected [N, labels] of 0 and 1", path,
          fmt::join(y.sizes(), ", "));
  require_finite(y, path);
  const at::Tensor labels = y.to(at::kFloat), wrong = ((labels != 0) & (labels != 1)).nonzero();
  if (wrong.size(0) == 0) return labels;
  const int64_t at = wrong[0][0].item<int64_t>() * y.size(1) + wrong[0][1].item<int64_t>();
  throw UsageError(fmt::format("{} holds {} at {}, expected 0 or 1", path,
                               labels.view(-1)[at].item<float>(), place_of(at, y.sizes())));
}

// Whole numbers as classes [N], real ones as values [N, K].
at::Tensor as_targets(const at::Tensor& y, const std::string& path, const DataOptions& options) {
  if (options.many_labels) return as_labels(y, path);
  if (options.real_targets || y.is_floating_point()) {
    require(y.dim() <= 2, "{} is [{}], expected [N] or [N, values]", path,
            fmt::join(y.sizes(), ", "));
    require_finite(y, path);
    return y.to(at::kFloat).view({y.size(0), -1});
  }
  require(y.dim() == 1 || (y.dim() == 2 && y.size(1) == 1),
          "{} is [{}], expected one whole number an example, its class: [N]", path,
          fmt::join(y.sizes(), ", "));
  return y.to(at::kLong).view({-1});
}

ArraySplit read_split(const ArraySource& source, const std::string& split,
                      const DataOptions& options) {
  const NamedArray x = source("x_" + split), y = source("y_" + split);
  require(x.values.dim() > 0 && y.values.dim() > 0, "{} holds a single number",
          x.values.dim() > 0 ? y.path : x.path);
  require(x.values.size(0) == y.values.size(0), "{} holds {} examples but {} {} targets", x.path,
          x.values.size(0), y.path, y.values.size(0));
  require_finite(x.values, x.path);
  return {.x_path = x.path,
          .y_path = y.path,
          .x = as_images(x.values, x.path),
          .y = as_targets(y.values, y.path, options)};
}

constexpr int64_t kMostClasses = int64_t{1} << 24;  // a model has an output for each

// A test label beyond those of training is of another set: no model of these classes gives it.
int64_t count_outputs(const ArraySplit& train, const ArraySplit& test) {
  require(has_classes(train.y) == has_classes(test.y), "{} holds {} numbers but {} {}",
          train.y_path, has_classes(train.y) ? "whole" : "real", test.y_path,
          has_classes(test.y) ? "whole" : "real");
  if (!has_classes(train.y)) {
    require(train.y.size(1) == test.y.size(1), "{} holds {} values an example but {} {}",
            train.y_path, train.y.size(1), test.y_path, test.y.size(1));
    return train.y.size(1);
  }
  const int64_t classes = std::min(train.y.max().item<int64_t>(), kMostClasses - 1) + 1;
  for (const ArraySplit* split : {&train, &test}) {
    const int64_t* label = split->y.data_ptr<int64_t>();
    const int64_t* end = label + split->y.numel();
    const int64_t* wrong = std::find_if(
        label, end, [&](int64_t l) { return l < 0 || l >= std::max<int64_t>(classes, 1); });
    if (wrong == end) continue;
    require(*wrong >= 0, "{}: label {} at position {}, expected 0 or more", split->y_path, *wrong,
            wrong - label);
    require(*wrong < kMostClasses,
            "{}: label {} at position {}, but there can be {} classes at most; for numbers: {} "
            "regression",
            split->y_path, *wrong, wrong - label, kMostClasses, Key{"task"});
    throw UsageError(
        fmt::format("{}: label {} at position {}, but the training labels are 0 to "
                    "{}: {}",
                    split->y_path, *wrong, wrong - label, classes - 1, train.y_path));
  }
  return classes;
}

}  // namespace

DataSplits load_arrays(const std::string& path, const DataOptions& options) {
  const ArraySource source = array_source(path);
  const ArraySplit train = read_split(source, "train", options),
                   test = read_split(source, "test", options);
  require(train.x.sizes().slice(1) == test.x.sizes().slice(1),
          "{}: examples are [{}], those of {} [{}]", train.x_path,
          fmt::join(train.x.sizes().slice(1), ", "), test.x_path,
          fmt::join(test.x.sizes().slice(1), ", "));
  require(train.x.scalar_type() == test.x.scalar_type() ||
              (train.x.scalar_type() != at::kByte && test.x.scalar_type() != at::kByte),
          "{} and {}: one holds bytes (uint8), which are scaled to [0, 1], the other does not",
          train.x_path, test.x_path);
  const int64_t outputs = count_outputs(train, test);
  const ChannelStatistics statistics = channel_statistics(train.x);
  DataSplits result;
  for (const ArraySplit* split : {&train, &test}) {
    const auto data = std::make_shared<Dataset>(Dataset{.inputs = split->x,
                                                        .targets = split->y,
                                                        .classes = outputs,
                                                        .mean = statistics.mean,
                                                        .stddev = statistics.stddev});
    (split == &train ? result.train : result.test) = data;
  }
  return result;
}

}  // namespace valley
