#include "valley/data/partition.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "valley/core/error.h"
#include "valley/core/random.h"
#include "valley/core/shuffle.h"
#include "valley/data/dataset.h"
#include "valley/data/gamma_draw.h"

namespace valley {
namespace {

constexpr size_t kWidestTable = 20;  // classes

using ExamplesByClass = std::vector<std::vector<int64_t>>;  // the examples of each class

ExamplesByClass by_class(const at::Tensor& targets, int64_t classes) {
  ExamplesByClass members(classes);
  const int64_t* target = targets.data_ptr<int64_t>();
  for (int64_t i = 0; i < targets.numel(); ++i) members.at(target[i]).push_back(i);
  return members;
}

/// One worker's tastes for the classes.
class Taste {
 public:
  Taste(size_t classes, double alpha, Random& random) : log_(classes), weight_(classes) {
    for (double& value : log_) value = log_gamma_draw(alpha, random);
  }

  /// To be called when a class has run out: what is left counts relative to the best of it, which
  /// may be smaller than what is gone by more than a double can hold.
  void scale(const ExamplesByClass& left) {
    double best = -std::numeric_limits<double>::infinity();
    for (size_t c = 0; c < left.size(); ++c)
      if (!left[c].empty()) best = std::max(best, log_[c]);
    for (size_t c = 0; c < left.size(); ++c)
      weight_[c] = left[c].empty() ? 0 : std::exp(log_[c] - best);
  }

  /// The class of the next example; there is one left.
  size_t draw(const ExamplesByClass& left, Random& random) const {
    double total = 0;
    for (size_t c = 0; c < left.size(); ++c) total += weight(c, left);
    double place = random.uniform() * total;
    size_t last = 0;
    for (size_t c = 0; c < left.size(); ++c) {
      if (weight(c, left) == 0) continue;
      last = c;
      place -= weight(c, left);
      if (place < 0) break;
    }
    return last;  // rounding may leave a place of 0 at the end
  }

 private:
  double weight(size_t c, const ExamplesByClass& left) const {
    return weight_[c] * static_cast<double>(left[c].size());
  }

  std::vector<double> log_, weight_;
};

Partition deal_by_taste(ExamplesByClass left, int64_t examples, int workers, double alpha,
                        Random& random) {
  std::vector<Taste> tastes;
  for (int m = 0; m < workers; ++m) tastes.emplace_back(left.size(), alpha, random);
  for (Taste& taste : tastes) taste.scale(left);

  Partition parts(workers);
  for (int64_t turn = 0; turn < examples; ++turn) {
    const int64_t m = turn % workers;
    auto& members = left[tastes[m].draw(left, random)];
    parts[m].push_back(members.back());
    members.pop_back();
    if (members.empty() && turn + 1 < examples)
      for (Taste& taste : tastes) taste.scale(left);
  }
  return parts;
}

Partition deal_shards(const ExamplesByClass& classes, int64_t examples, int workers, int64_t shards,
                      Random& random) {
  std::vector<int64_t> sorted;
  for (const auto& members : classes) sorted.insert(sorted.end(), members.begin(), members.end());
  const int64_t pieces = workers * shards;
  std::vector<int64_t> order(pieces);
  std::iota(order.begin(), order.end(), int64_t{0});
  shuffle(order, random);

  Partition parts(workers);
  for (int64_t k = 0; k < pieces; ++k) {
    const int64_t begin = order[k] * examples / pieces, end = (order[k] + 1) * examples / pieces;
    auto& part = parts[k / shards];
    part.insert(part.end(), sorted.begin() + begin, sorted.begin() + end);
  }
  return parts;
}

// All of one origin together: the largest first, to whoever has the fewest.
Partition deal_origins(const at::Tensor& origins, int workers, Random& random) {
  ExamplesByClass members = by_class(origins, origins.max().item<int64_t>() + 1);
  std::erase_if(members, [](const auto& of_one) { return of_one.empty(); });
  require(static_cast<size_t>(workers) <= members.size(),
          "{} origin of {} workers: the examples are of {} origins only", Key{"partition"}, workers,
          members.size());
  shuffle(members, random);
  std::stable_sort(members.begin(), members.end(),
                   [](const auto& a, const auto& b) { return a.size() > b.size(); });
  Partition parts(workers);
  for (const auto& of_one : members) {
    auto& least = *std::min_element(parts.begin(), parts.end(), [](const auto& a, const auto& b) {
      return a.size() < b.size();
    });
    least.insert(least.end(), of_one.begin(), of_one.end());
  }
  for (auto& part : parts) std::sort(part.begin(), part.end());
  return parts;
}

}  // namespace

Partition make_partition(const at::Tensor& targets, int64_t classes, int workers,
                         const PartitionSpec& spec, const at::Tensor& origins) {
  if (spec.kind == PartitionKind::kIid) return {};
  const int64_t examples = targets.size(0);
  require(workers >= 1, "{} must be at least 1, got {}", Key{"workers"}, workers);
  require(has_classes(targets), "{} {} deals out classes, and these targets are none",
          Key{"partition"}, to_string(spec));
  require(workers <= examples, "more workers ({}) than training samples ({})", workers, examples);
  if (spec.kind == PartitionKind::kOrigin) {
    require(origins.defined(), "{} origin: these data do not say who their examples are of",
            Key{"partition"});
    Random random(derive_seed(spec.seed, 0, "partition"));
    return deal_origins(origins, workers, random);
  }
  ExamplesByClass members = by_class(targets, classes);
  for (int64_t c = 0; c < classes; ++c)
    require(!members[c].empty(), "{} {} needs every class: class {} has no training sample",
            Key{"partition"}, to_string(spec), c);

  Random random(derive_seed(spec.seed, 0, "partition"));
  for (auto& of_class : members) shuffle(of_class, random);
  Partition parts;
  if (spec.kind == PartitionKind::kDirichlet) {
    parts = deal_by_taste(std::move(members), examples, workers, spec.alpha, random);
  } else {
    // K <= N / M: M K may be more than an integer holds.
    require(spec.shards <= examples / workers,
            "{} shards:{} of {} workers is more shards than the {} training samples",
            Key{"partition"}, spec.shards, workers, examples);
    parts = deal_shards(members, examples, workers, spec.shards, random);
  }
  for (auto& part : parts) std::sort(part.begin(), part.end());
  return parts;
}

ClassHistogram class_histogram(const at::Tensor& targets, int64_t classes,
                               const Partition& partition) {
  const int64_t* target = targets.data_ptr<int64_t>();
  ClassHistogram histogram;
  for (const auto& part : partition) {
    auto& counts = histogram.counts.emplace_back(classes);
    for (const int64_t index : part) ++counts.at(target[index]);
  }
  return histogram;
}

std::string histogram_table(const ClassHistogram& histogram) {
  const auto& counts = histogram.counts;
  const size_t classes = counts.empty() ? 0 : counts[0].size();
  std::vector<std::vector<std::string>> rows = {{"worker", "samples"}};
  if (classes > kWidestTable) {
    rows[0].insert(rows[0].end(), {"classes", "largest"});
  } else {
    for (size_t c = 0; c < classes; ++c)
      rows[0].push_back(fmt::format("{}{}", c == 0 ? "class " : "", c));
  }
  for (size_t m = 0; m < counts.size(); ++m) {
    const auto& own = counts[m];
    const auto samples = std::accumulate(own.begin(), own.end(), int64_t{0});
    rows.push_back({fmt::format("{}", m), fmt::format("{}", samples)});
    auto& row = rows.back();
    if (classes > kWidestTable) {
      const auto held = std::count_if(own.begin(), own.end(), [](int64_t n) { return n > 0; });
      const auto largest = std::max_element(own.begin(), own.end());
      const double share = static_cast<double>(*largest) / static_cast<double>(samples);
      row.push_back(fmt::format("{}", held));
      row.push_back(fmt::format("{:.1f} %", 100 * share));
    } else {
      for (const int64_t n : own) row.push_back(fmt::format("{}", n));
    }
  }

  std::vector<size_t> widths(rows[0].size());
  for (const auto& row : rows)
    for (size_t k = 0; k < row.size(); ++k) widths[k] = std::max(widths[k], row[k].size());
  std::string table;
  for (const auto& row : rows) {
    if (!table.empty()) table += "\n";
    for (size_t k = 0; k < row.size(); ++k)
      table += fmt::format("{}{:>{}}", k == 0 ? "" : "  ", row[k], widths[k]);
  }
  return table;
}

}  // namespace valley
