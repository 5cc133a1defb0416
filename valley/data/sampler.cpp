#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <tuple>

#include "valley/core/error.h"
#include "valley/core/shuffle.h"
#include "valley/data/loader.h"

namespace valley {

namespace {

// With a batch that every worker can fill.
SamplerOptions checked(SamplerOptions o) {
  require(o.batch_size >= 1, "{} must be at least 1, got {}", Key{"batch-size"}, o.batch_size);
  require(o.workers >= 1, "{} must be at least 1, got {}", Key{"workers"}, o.workers);
  require(o.workers <= o.examples, "more workers ({}) than training samples ({})", o.workers,
          o.examples);
  o.batch_size = std::min(o.batch_size, o.examples / o.workers);
  return o;
}

int64_t steps_of_checked(const SamplerOptions& o) {
  const int64_t whole = o.workers * o.batch_size;
  const int64_t steps = o.examples / whole;
  return o.tail == Tail::kKeep && o.examples % whole > 0 ? steps + 1 : steps;
}

}  // namespace

int64_t steps_per_epoch(SamplerOptions options) { return steps_of_checked(checked(options)); }

Sampler::Sampler(const SamplerOptions& options, const Partition& partition)
    : options_(checked(options)) {
  const auto [examples, rank, workers] =
      std::tuple(options_.examples, options_.rank, options_.workers);
  if (rank < 0 || rank >= workers)
    throw std::out_of_range(fmt::format("sampler: rank {} of {} workers", rank, workers));

  if (partition.empty()) return;
  if (options_.deal) throw std::invalid_argument("sampler: a deal goes with no partition");
  if (partition.size() != static_cast<size_t>(workers))
    throw std::invalid_argument(
        fmt::format("sampler: {} parts for {} workers", partition.size(), workers));
  for (size_t m = 0; m < partition.size(); ++m) {
    require(!partition[m].empty(), "worker {} gets no training sample", m);
    for (const int64_t index : partition[m])
      if (index < 0 || index >= examples)
        throw std::out_of_range(fmt::format("sampler: example {} of {}", index, examples));
  }
  own_ = partition[rank];
}

int64_t Sampler::steps_per_epoch() const { return steps_of_checked(options_); }

std::span<const int64_t> Sampler::batch(int64_t step) {
  if (step < 0) throw std::out_of_range(fmt::format("sampler: step {}", step));
  if (options_.deal) return dealt(step);
  const int64_t examples = options_.examples, batch_size = options_.batch_size;
  const int64_t workers = options_.workers, rank = options_.rank;
  shuffle_for(step / steps_per_epoch());

  const int64_t in_epoch = step % steps_per_epoch();
  const int64_t start = in_epoch * workers * batch_size;
  const int64_t left = examples - start;
  const int64_t size = std::min(batch_size, (left + workers - 1) / workers);
  const int64_t place = own_.empty() ? start + rank * size : in_epoch * batch_size;
  return std::span(permutation_).subspan(place, size);
}

std::span<const int64_t> Sampler::dealt(int64_t step) {
  const auto& [from_step, taken] = *options_.deal;
  const int64_t number = taken + (step - from_step) * options_.workers + options_.rank;
  const int64_t batches = options_.examples / options_.batch_size;  // of an epoch
  shuffle_for(number / batches);
  return std::span(permutation_)
      .subspan(number % batches * options_.batch_size, options_.batch_size);
}

void Sampler::shuffle_for(int64_t epoch) {
  if (epoch == epoch_) return;
  own_.empty() ? shuffle_all(epoch) : shuffle_own(epoch);
  epoch_ = epoch;
}

void Sampler::shuffle_all(int64_t epoch) {
  const int64_t examples = options_.examples, workers = options_.workers;
  permutation_.resize(examples);
  std::iota(permutation_.begin(), permutation_.end(), int64_t{0});
  Random random(derive_seed(options_.seed, 0, "shuffle", epoch));
  shuffle(permutation_, random);
  // Equal parts of a tail may reach up to M - 1 elements past the end.
  permutation_.reserve(examples + workers - 1);
  std::copy_n(permutation_.begin(), workers - 1, std::back_inserter(permutation_));
}

void Sampler::shuffle_own(int64_t epoch) {
  permutation_ = own_;
  Random random(derive_seed(options_.seed, options_.rank, "shuffle own", epoch));
  shuffle(permutation_, random);
  const auto needed = static_cast<size_t>(steps_per_epoch() * options_.batch_size);
  while (permutation_.size() < needed)
    permutation_.push_back(permutation_[permutation_.size() - own_.size()]);
}

int64_t Sampler::random_example(Random& random) const {
  if (own_.empty()) return static_cast<int64_t>(random.below(options_.examples));
  return own_[random.below(own_.size())];
}

}  // namespace valley
