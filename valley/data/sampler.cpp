#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "valley/core/error.h"
#include "valley/data/loader.h"
#include "valley/data/shuffle.h"

namespace valley {

Sampler::Sampler(const SamplerOptions& options) : options_(options) {
  auto& [examples, batch_size, rank, workers, seed, tail] = options_;
  require(batch_size >= 1, "--batch-size must be at least 1, got {}", batch_size);
  require(workers >= 1, "--workers must be at least 1, got {}", workers);
  require(workers <= examples, "more workers ({}) than training samples ({})", workers, examples);
  if (rank < 0 || rank >= workers)
    throw std::out_of_range(fmt::format("sampler: rank {} of {} workers", rank, workers));
  batch_size = std::min(batch_size, examples / workers);
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
    permutation_.resize(examples);
    std::iota(permutation_.begin(), permutation_.end(), int64_t{0});
    Random random(derive_seed(seed, 0, "shuffle", epoch));
    shuffle(permutation_, random);
    // Equal parts of a tail may reach up to M - 1 elements past the end.
    permutation_.reserve(examples + workers - 1);
    std::copy_n(permutation_.begin(), workers - 1, std::back_inserter(permutation_));
    epoch_ = epoch;
  }

  const int64_t start = step % steps_per_epoch() * workers * batch_size;
  const int64_t left = examples - start;
  const int64_t size = std::min(batch_size, (left + workers - 1) / workers);
  return std::span(permutation_).subspan(start + rank * size, size);
}

}  // namespace valley
