#pragma once

#include <cstdint>

namespace valley {

/// What the peer's kernel has confirmed of what was sent over this socket. 0 if it cannot be asked.
int64_t acknowledged_bytes(int fd);

}  // namespace valley
