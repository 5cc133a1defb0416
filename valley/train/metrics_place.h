#pragma once

#include <string>

#include "valley/comm/address.h"

namespace valley {

/// Reads `metrics-port`: "9100" of the loopback address, "10.0.0.1:9100", "[::]:9100". @throws
/// UsageError
HostPort metrics_place(const std::string& text);

}  // namespace valley
