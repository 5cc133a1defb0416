#include "valley/data/arrays.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>

#include "valley/core/error.h"
#include "valley/data/bytes.h"
#include "valley/data/npy.h"
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

// Whole numbers as classes [N], real ones as values [N, K].
at::Tensor as_targets(const at::Tensor& y, const std::string& path, bool real) {
  if (real || y.is_floating_point()) {
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

ArraySplit read_split(const std::filesystem::path& folder, const std::string& split,
                      bool real_targets) {
  ArraySplit result{.x_path = (folder / ("x_" + split + ".npy")).string(),
                    .y_path = (folder / ("y_" + split + ".npy")).string(),
                    .x = {},
                    .y = {}};
  for (const std::string& path : {result.x_path, result.y_path})
    require_data_file(path,
                      "arrays:PATH takes the folder of x_train.npy, y_train.npy, x_test.npy "
                      "and y_test.npy, as numpy.save() writes them");
  const at::Tensor x = map_npy(result.x_path), y = map_npy(result.y_path);
  require(x.dim() > 0 && y.dim() > 0, "{} holds a single number",
          x.dim() > 0 ? result.y_path : result.x_path);
  require(x.size(0) == y.size(0), "{} holds {} examples but {} {} targets", result.x_path,
          x.size(0), result.y_path, y.size(0));
  require_finite(x, result.x_path);
  result.x = as_images(x, result.x_path);
  result.y = as_targets(y, result.y_path, real_targets);
  return result;
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

DataSplits load_arrays(const std::string& folder, const DataOptions& options) {
  require_folder(folder, "arrays:PATH", "x_train.npy");
  const ArraySplit train = read_split(folder, "train", options.real_targets),
                   test = read_split(folder, "test", options.real_targets);
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
