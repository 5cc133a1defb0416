#pragma once

#include <string>

namespace valley::app {

struct TrainRequest;
struct CompareRequest;
struct DataRequest;
struct EvaluateFlags;
struct PredictFlags;
struct BenchRequest;
struct StudyFlags;
struct SharpnessFlags;
struct LandscapeFlags;
struct DynamicsFlags;
struct DualityFlags;

/// What needs LibTorch, whose start alone takes half a second: trainings, and looks at finished
/// runs. The subcommands know their flags, refuse what is wrong and answer what they can; an engine
/// does the rest. The program `valley` hands it over (hand_over.h) to one of its own, which does
/// it. Each returns the exit code.
class Engine {
 public:
  virtual ~Engine() = default;

  virtual int train(const TrainRequest& request) = 0;
  virtual int compare(const CompareRequest& request) = 0;
  virtual int data(const DataRequest& request) = 0;
  virtual int evaluate(const EvaluateFlags& flags) = 0;
  virtual int predict(const PredictFlags& flags) = 0;
  virtual int bench(const BenchRequest& request) = 0;
  virtual int study(const StudyFlags& flags) = 0;
  virtual int sharpness(const SharpnessFlags& flags) = 0;
  virtual int landscape(const LandscapeFlags& flags) = 0;
  virtual int dynamics(const DynamicsFlags& flags) = 0;
  virtual int duality(const DualityFlags& flags) = 0;

  /// A subcommand is about to read `file`, which may be a pipe that can be read only once.
  virtual void before_reading(const std::string& file) = 0;
};

}  // namespace valley::app
