#pragma once

#include <pybind11/pybind11.h>
// After pybind11's own.
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "valley/algorithms/registry.h"
#include "valley/comm/communicator.h"
#include "valley/optim/flat_parameters.h"

namespace valley::python {

struct LoopOptions {
  std::string method;
  AlgorithmOptions settings;
  int64_t total_steps = 0;  ///< 0: not known
  int64_t steps_per_epoch = 1;
  int64_t warmup_steps = 0;
  uint64_t seed = 0;
  bool track_width = true;  ///< the workers tell each other their distances after every round
  pybind11::object learning_rate;     ///< () -> float, of the step that is under way
  pybind11::object another_gradient;  ///< () -> None, leaves a gradient on one more batch; or None
};

/// One training method in a loop of somebody else's: the parameters of their optimizer as one flat
/// vector x [d], of which they become views, and the method's hooks around the optimizer's step.
///
/// What happens to parameters in such a loop is looked at in every step: one that no longer lies in
/// x is an error that names it; gradients are taken where they are, and brought into g [d] only for
/// a method that reads them.
///
/// Called with the interpreter's lock held, which is released while workers wait for each other.
class Loop {
 public:
  /// @throws UsageError for parameters that cannot be one vector, or settings that
  /// check_algorithm()
  ///     refuses.
  Loop(std::vector<NamedTensor> parameters, std::shared_ptr<Communicator> comm,
       LoopOptions options);
  ~Loop();

  /// The workers agree on method, settings, parameters and steps, and all take worker 0's x.
  /// All workers together. @throws UsageError, on all of them, naming the first difference.
  void begin_together();

  /// One step, after the gradient was computed, or with `closure`, which computes it and returns
  /// the loss. `optimizer` is called as optimizer() or optimizer(closure); the result is the
  /// closure's. `loss` is that of the batch, for methods that read it.
  pybind11::object step(const pybind11::object& optimizer, const pybind11::object& closure,
                        const pybind11::object& loss);

  /// A step without an example: x stays, and the worker takes part in what the others do in it.
  void empty_step(const pybind11::object& optimizer);

  /// The mean over the workers of where they stand, [d]; all together. Sets the width.
  at::Tensor average();

  const at::Tensor& values() const { return flat_.values(); }

  AlgorithmState state();
  /// With x as it was saved; at the next step the workers join anew, at `step`.
  void load_state(const AlgorithmState& state, int64_t step);

  int64_t steps() const { return step_; }
  int64_t rounds() const { return algorithm_->rounds(); }
  int64_t period() const { return algorithm_->period(); }
  const std::optional<RoundReport>& last_round() const { return report_; }
  std::optional<double> width() const { return width_; }
  /// Of all workers from their average as the last round began, by rank; empty before it.
  const std::vector<double>& distances() const { return distances_; }
  Communicator& comm() const { return *comm_; }

  /// Parameters that belong to modules: {dict of the module's parameters, key}, in the order of the
  /// parameters. What stands there is looked at in every step.
  void watch(std::vector<std::pair<pybind11::dict, pybind11::str>> places);

 private:
  void join();
  void check();
  void gather();
  void scatter();
  void quiesce();
  int64_t known_steps() const;
  StepInfo info() const;
  double needed_loss(const pybind11::object& loss) const;
  void finish(const StepInfo& info);
  std::vector<double> layer_gradient_norms();

  LoopOptions options_;
  const AlgorithmEntry& entry_;
  bool moves_first_;
  FlatParameters flat_;
  std::shared_ptr<Communicator> comm_;
  std::unique_ptr<Algorithm> algorithm_;
  std::vector<at::Tensor> views_;    // of g, by parameter
  std::vector<const void*> places_;  // of the parameters in x
  std::vector<char> missing_;        // the parameter had no gradient, by parameter
  std::vector<std::pair<pybind11::dict, pybind11::str>> watched_;
  std::vector<PyObject*> watched_parameters_;  // as they were when watched
  std::optional<AlgorithmState> loaded_;
  bool joined_ = false;
  int64_t step_ = 0;
  std::optional<RoundReport> report_;
  std::optional<double> width_;
  std::vector<double> distances_;
};

}  // namespace valley::python
