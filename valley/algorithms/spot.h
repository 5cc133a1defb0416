#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <mutex>
#include <vector>

#include "valley/comm/communicator.h"

namespace valley {

/// Where a worker stands, for all threads of the process to see and to move: x [d].
class Spot {
 public:
  /// It stands at x, which becomes the spot's own.
  void take(at::Tensor x);

  /// x <- where it stands.
  void read(at::Tensor& x) const;
  at::Tensor read() const;

  /// It goes as far as from `from` to x, from where it stands by now; x <- where that is.
  void go(at::Tensor& x, const at::Tensor& from);

  /// Both go to the middle between them, at one moment. Whoever is the first here must never be the
  /// second elsewhere, or two could wait for each other.
  static void meet(Spot& first, Spot& second);

 private:
  mutable std::mutex mutex_;
  at::Tensor x_;
};

using Spots = std::vector<Spot>;

/// The workers of `comm` together, which share memory: one spot for each, in the order of their
/// ranks. This worker's is at x, and so are the others when it returns.
std::shared_ptr<Spots> take_spots(Communicator& comm, at::Tensor x);

}  // namespace valley
