#pragma once

#include <functional>
#include <string>

#include "valley/comm/communicator.h"
#include "valley/record/trace.h"
#include "valley/train/average_model.h"
#include "valley/train/observer.h"
#include "valley/train/probe.h"
#include "valley/train/recorder.h"
#include "valley/train/worker_generator.h"

namespace valley {

/// Shows the workers to a probe every so many steps, and after the last one; counts what that takes
/// apart from the training's own, and leaves no trace in it.
class ProbeObserver : public Observer {
 public:
  struct Parts {
    Communicator& comm;
    const AverageModel& average;
    std::function<at::Tensor()> standing;  ///< see Worker::standing()
    WorkerGenerator& generator;
    Recorder& recorder;
    Meters& meters;  ///< whose probes and seconds.probe are counted
  };
  using Say = std::function<void(const std::string&)>;

  ProbeObserver(Probe& probe, int64_t every, Parts parts, Say say);

  void step(const RunMoment& moment, const at::Tensor& x) override;
  void tell(const RunMoment& moment, bool line) override;

 private:
  Probe& probe_;
  int64_t every_;
  Parts parts_;
  Say say_;
  std::string news_;  // of this step
};

}  // namespace valley
