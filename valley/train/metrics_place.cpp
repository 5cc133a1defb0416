#include "valley/train/metrics_place.h"

#include "valley/core/error.h"
#include "valley/core/numbers.h"

namespace valley {

HostPort metrics_place(const std::string& text) {
  const auto port = parse_number<int64_t>(text);
  HostPort place = port ? HostPort{"127.0.0.1", static_cast<int>(*port)}
                        : parse_host_port(fmt::format("{}", Key{"metrics-port"}), text);
  require((!port || (1 <= *port && *port <= 65535)) && place.port > 0,
          "{} must be PORT or ADDRESS:PORT with a port from 1 to 65535, got '{}'",
          Key{"metrics-port"}, text);
  return place;
}

}  // namespace valley
