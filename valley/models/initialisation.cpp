#include "valley/models/initialisation.h"

#include <ATen/CPUGeneratorImpl.h>

namespace valley {
namespace {

std::mutex& generator_mutex() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

InitialisationScope::InitialisationScope(uint64_t seed) : lock_(generator_mutex()) {
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  // The generator's own mutex is taken by each operator that draws; here it guards the seeding.
  const std::lock_guard<std::mutex> guard(generator.mutex());
  state_ = generator.get_state();
  generator.set_current_seed(seed);
}

InitialisationScope::~InitialisationScope() {
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard<std::mutex> guard(generator.mutex());
  generator.set_state(state_);
}

}  // namespace valley
