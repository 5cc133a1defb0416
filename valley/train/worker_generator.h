#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>

namespace valley {

/// Gives this thread a random generator of its own while it lives: dropout and every other random
/// operation of a model draws from it instead of from LibTorch's one generator per process, which
/// worker threads would share in an order that differs from run to run. It draws on `device`, where
/// the model is; another kind of device draws other numbers.
///
/// At most one per thread at a time.
class WorkerGenerator {
 public:
  explicit WorkerGenerator(uint64_t seed, at::Device device = at::kCPU);
  ~WorkerGenerator();
  WorkerGenerator(const WorkerGenerator&) = delete;
  WorkerGenerator& operator=(const WorkerGenerator&) = delete;

  at::Tensor state() const;                 ///< bytes, for a checkpoint
  void set_state(const at::Tensor& state);  ///< @throws c10::Error if it is no such state

  /// Goes on from a state that was saved before step `step`; one of another kind of device means
  /// nothing here, and the draws begin with the step.
  void go_on(const at::Tensor& state, int64_t step);

 private:
  uint64_t seed_;
  at::Generator generator_;
};

/// Gives the generator back at the end of a scope as it was at its beginning.
class KeptGenerator {
 public:
  explicit KeptGenerator(WorkerGenerator& generator)
      : generator_(generator), state_(generator.state()) {}
  ~KeptGenerator() { generator_.set_state(state_); }
  KeptGenerator(const KeptGenerator&) = delete;
  KeptGenerator& operator=(const KeptGenerator&) = delete;

 private:
  WorkerGenerator& generator_;
  at::Tensor state_;
};

}  // namespace valley
