/// The engine of the program `valley`: the same command line, with LibTorch.
#include "app/engine/allocator.h"
#include "app/engine/engine.h"
#include "app/program.h"

namespace {

using namespace valley::app;

class Here : public Engine {
 public:
  int train(const TrainRequest& request) override { return valley::app::train(request); }
  int compare(const CompareRequest& request) override { return valley::app::compare(request); }
  int data(const DataRequest& request) override { return valley::app::data(request); }
  int evaluate(const EvaluateFlags& flags) override { return valley::app::evaluate(flags); }
  int predict(const PredictFlags& flags) override { return valley::app::predict(flags); }
  int bench(const BenchRequest& request) override { return valley::app::bench(request); }
  int study(const StudyFlags& flags) override { return valley::app::study(flags); }
  int sharpness(const SharpnessFlags& flags) override { return valley::app::sharpness(flags); }
  int landscape(const LandscapeFlags& flags) override { return valley::app::landscape(flags); }
  int dynamics(const DynamicsFlags& flags) override { return valley::app::dynamics(flags); }
  int duality(const DualityFlags& flags) override { return valley::app::duality(flags); }
  void before_reading(const std::string&) override {}
};

}  // namespace

int main(int argc, char** argv) {
  keep_freed_memory();
  Here engine;
  return run_program(argc, argv, engine);
}
