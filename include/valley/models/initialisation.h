#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <mutex>

namespace valley {

/// Build a torch::nn module inside such a scope and the same seed gives it the same weights.
///
///     InitialisationScope scope(seed);
///     auto net = std::make_shared<MyNet>();
///
/// torch::nn draws initial weights from the one CPU generator of the process. The scope seeds it,
/// keeps other scopes waiting until it ends (so that worker threads may build models at once), and
/// then gives the generator back as it found it: building a model never shifts someone else's
/// draws. Draws made outside any scope while one is open do disturb it.
class InitialisationScope {
 public:
  explicit InitialisationScope(uint64_t seed);
  ~InitialisationScope();
  InitialisationScope(const InitialisationScope&) = delete;
  InitialisationScope& operator=(const InitialisationScope&) = delete;

 private:
  std::unique_lock<std::mutex> lock_;
  at::Tensor state_;  // of the generator, before
};

}  // namespace valley
