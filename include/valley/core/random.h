#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace valley {

/// A seed of its own for every purpose, so that adding one draw never shifts another.
/// Derived by hashing (seed, worker, purpose, epoch); the same on every machine.
uint64_t derive_seed(uint64_t seed, int64_t worker, std::string_view purpose, int64_t epoch = 0);

/// xoshiro256** (Blackman and Vigna, 2018): small, fast, and its whole state is four words, which
/// a checkpoint stores. Distributions are written out here because those of <random> differ
/// between standard libraries, and a run must not.
class Random {
 public:
  explicit Random(uint64_t seed);

  uint64_t next();                 ///< 64 uniform bits
  uint64_t below(uint64_t bound);  ///< uniform in [0, bound), without bias; bound > 0
  double uniform();                ///< uniform in [0, 1), 53 bits
  double normal();                 ///< standard normal (Box-Muller, one draw a call)

  using State = std::array<uint64_t, 4>;
  const State& state() const { return state_; }
  void set_state(const State& state) { state_ = state; }

 private:
  State state_;
};

}  // namespace valley
