#include "valley/comm/traffic.h"

namespace valley {

std::optional<Traffic> traffic_of(const Communicator& comm) {
  const auto* counting = dynamic_cast<const CountsTraffic*>(&comm);
  if (counting == nullptr) return std::nullopt;
  return counting->traffic();
}

}  // namespace valley
