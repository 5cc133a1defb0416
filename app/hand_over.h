#pragma once

#include <filesystem>

#include "app/engine.h"

namespace valley::app {

/// Becomes the program that has LibTorch, with the same command line: no call returns.
/// @throws IoError if it cannot be started.
class HandOver : public Engine {
 public:
  explicit HandOver(char** argv) : argv_(argv) {}

  int train(const TrainRequest&) override { become_engine(); }
  int compare(const CompareRequest&) override { become_engine(); }
  int data(const DataRequest&) override { become_engine(); }
  int evaluate(const EvaluateFlags&) override { become_engine(); }
  int predict(const PredictFlags&) override { become_engine(); }
  int bench(const BenchRequest&) override { become_engine(); }
  int study(const StudyFlags&) override { become_engine(); }
  int sharpness(const SharpnessFlags&) override { become_engine(); }
  int landscape(const LandscapeFlags&) override { become_engine(); }
  int dynamics(const DynamicsFlags&) override { become_engine(); }
  int duality(const DualityFlags&) override { become_engine(); }

  void before_reading(const std::string& file) override;

 private:
  [[noreturn]] void become_engine() const;

  char** argv_;
};

}  // namespace valley::app
