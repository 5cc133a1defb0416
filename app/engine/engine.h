#pragma once

#include "app/engine.h"

/// What the subcommands do that need LibTorch. Each returns the exit code.
namespace valley::app {

int train(const TrainRequest& request);
int compare(const CompareRequest& request);
int data(const DataRequest& request);
int evaluate(const EvaluateFlags& flags);
int predict(const PredictFlags& flags);
int bench(const BenchRequest& request);
int study(const StudyFlags& flags);
int sharpness(const SharpnessFlags& flags);
int landscape(const LandscapeFlags& flags);
int dynamics(const DynamicsFlags& flags);
int duality(const DualityFlags& flags);

}  // namespace valley::app
