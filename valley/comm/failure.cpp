#include "valley/comm/failure.h"

#include <fmt/format.h>

#include <sstream>

#include "valley/comm/communicator.h"
#include "valley/comm/ranks.h"
#include "valley/core/error.h"

namespace valley {

std::string Failure::encode() const {
  return fmt::format("{} {} {}", static_cast<int>(kind), culprit, text);
}

Failure Failure::decode(const std::string& code) {
  std::istringstream in(code);
  int kind = 0;
  Failure failure{kLost, 0, ""};
  if (!(in >> kind >> failure.culprit) || kind < kLost || kind > kMismatch)
    return {kMismatch, failure.culprit, "a worker of another version of valley failed"};
  in.get();
  std::getline(in, failure.text, '\0');
  failure.kind = static_cast<Kind>(kind);
  return failure;
}

void Failure::raise(int self, const Call& call, double waited) const {
  if (lost()) {
    const std::string whole =
        fmt::format("lost rank {} ({}) in {} after {:.1f} s", culprit, text, label(call), waited);
    if (kind == kLeft) throw CommError(whole);
    throw WorkerLost(culprit, text, whole);
  }
  throw CommError(kind == kTimeout && culprit != self ? fmt::format("rank {} {}", culprit, text)
                                                      : text);
}

std::string left_after(int64_t sequence) {
  return fmt::format("it left the group after operation {}", sequence);
}

std::string timeout_text(const Call& call, double waited, const std::vector<int>& global_ranks) {
  return fmt::format("timed out after {:.1f} s in {}: waiting for {}", waited, label(call),
                     name_ranks(global_ranks));
}

std::string stall_text(const Call& call, double waited, const std::vector<int>& global_ranks) {
  return fmt::format("waiting for {} in {}, for {:.3g} s now", name_ranks(global_ranks),
                     label(call), waited);
}

}  // namespace valley
