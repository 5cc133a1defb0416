#pragma once

#include <atomic>

namespace valley::app {

/// kStopSignals set the flag this returns; a second SIGINT or SIGTERM ends the program at once.
const std::atomic<bool>& stop_on_signals();

}  // namespace valley::app
