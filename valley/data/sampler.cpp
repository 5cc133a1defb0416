#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "valley/core/error.h"
#include "valley/core/shuffle.h"
#include "valley/data/loader.h"

namespace valley {

Sampler::Sampler(const SamplerOptions& options, const Partition& partition) : options_(options) {
  auto& [examples, batch_size, rank, workers, seed, tail] = options_;
  require(batch_size >= 1, "{} must be at least 1, got {}", Key{"batch-size"}, batch_size);
  require(workers >= 1, "{} must be at least 1, got {}", Key{"workers"}, workers);
  require(workers <= examples, "more workers ({}) than training samples ({})", workers, examples);
  if (rank < 0 || rank >= workers)
    throw std::out_of_range(fmt::format("sampler: rank {} of {} workers", rank, workers));
  batch_size = std::min(batch_size, examples / workers);

  if (partition.empty()) return;
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

int64_t Sampler::steps_per_epoch() const {
  const int64_t whole = options_.workers * options_.batch_size;
  const int64_t steps = options_.examples / whole;
  return options_.tail == Tail::kKeep && options_.examples % whole > 0 ? steps + 1 : steps;
}

std::span<const int64_t> Sampler::batch(int64_t step) {
  const auto& [examples, batch_size, rank, workers, seed, tail] = options_;
  if (step < 0) throw std::out_of_range(fmt::format("sampler: step {}", step));

  const int64_t epoch = step / steps_per_epoch();
  if (epoch != epoch_) {
    own_.empty() ? shuffle_all(epoch) : shuffle_own(epoch);
    epoch_ = epoch;
  }

  const int64_t in_epoch = step % steps_per_epoch();
  const int64_t start = in_epoch * workers * batch_size;
  const int64_t left = examples - start;
  const int64_t size = std::min(batch_size, (left + workers - 1) / workers);
  const int64_t place = own_.empty() ? start + rank * size : in_epoch * batch_size;
  return std::span(permutation_).subspan(place, size);
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
