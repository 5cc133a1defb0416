#include "valley/core/random.h"

#include <bit>
#include <cmath>
#include <numbers>

namespace valley {
namespace {

uint64_t splitmix(uint64_t& state) {
  uint64_t z = (state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

uint64_t derive_seed(uint64_t seed, int64_t worker, std::string_view purpose, int64_t epoch) {
  uint64_t hash = seed;
  for (const char c : purpose) {
    hash ^= static_cast<unsigned char>(c);
    splitmix(hash);
    hash = splitmix(hash);
  }
  hash ^= static_cast<uint64_t>(worker) + 1;
  hash = splitmix(hash);
  hash ^= static_cast<uint64_t>(epoch) + 1;
  return splitmix(hash);
}

Random::Random(uint64_t seed) {
  for (auto& word : state_) word = splitmix(seed);
}

uint64_t Random::next() {
  auto& s = state_;
  const uint64_t result = std::rotl(s[1] * 5, 7) * 9;
  const uint64_t t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = std::rotl(s[3], 45);
  return result;
}

uint64_t Random::below(uint64_t bound) {
  // Draws from the incomplete last block of [0, 2^64) are thrown away, or small results would be
  // a little more likely.
  const uint64_t rest = -bound % bound;
  uint64_t draw = next();
  while (draw < rest) draw = next();
  return draw % bound;
}

double Random::uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

double Random::normal() {
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

}  // namespace valley
