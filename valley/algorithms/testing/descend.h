#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>

#include "valley/algorithms/registry.h"
#include "valley/testing/run_ranks.h"

namespace valley {

/// A run of plain gradient descent, without a network.
struct Descent {
  std::string algorithm;
  MethodValues values = {};  ///< its settings, the others at their defaults
  double rate = 0.1;
  int64_t steps = 100;
};

/// All workers' x [n, d] after it, from the rows of `start`.
inline at::Tensor descend(
    const Descent& run, const at::Tensor& start,
    const std::function<at::Tensor(int rank, const at::Tensor& x, int64_t step)>& gradient) {
  at::Tensor end = start.clone();
  run_ranks(static_cast<int>(start.size(0)), [&](Communicator& comm) {
    const auto algorithm = make_algorithm(
        run.algorithm, find_algorithm(run.algorithm).with(run.values),
        {.total_steps = run.steps, .seed = 3, .learning_rate = [&](int64_t) { return run.rate; }});
    at::Tensor x = start[comm.rank()].clone();
    algorithm->join(comm, x);
    for (int64_t step = 0; step < run.steps; ++step) {
      const StepInfo info = {.step = step, .total_steps = run.steps};
      algorithm->before_gradient(info, x);
      at::Tensor g = gradient(comm.rank(), x, step).clone();
      algorithm->on_gradient(info, x, g);
      algorithm->local_step(info, x, g, [&] { x.sub_(g, run.rate); });
      algorithm->after_step(info, x);
    }
    algorithm->quiesce();
    end[comm.rank()].copy_(algorithm->view(x));
  });
  return end;
}

}  // namespace valley
