#include "valley/core/fused_passes.h"

#include <atomic>
#include <cstdlib>
#include <string_view>

namespace valley {
namespace {

bool wanted() {
  const char* text = std::getenv("VALLEY_FUSED");
  return text == nullptr || std::string_view(text) != "0";
}

std::atomic<bool>& passes() {
  static std::atomic<bool> fused = wanted();
  return fused;
}

}  // namespace

bool fused_passes() { return passes().load(std::memory_order_relaxed); }

OperatorsOnly::OperatorsOnly() : before_(passes().exchange(false)) {}
OperatorsOnly::~OperatorsOnly() { passes() = before_; }

}  // namespace valley
