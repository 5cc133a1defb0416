#include "valley/comm/tcp_traffic.h"

// Not <netinet/tcp.h>, whose tcp_info ends before the bytes; the two exclude each other.
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace valley {

int64_t acknowledged_bytes(int fd) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
  return static_cast<int64_t>(info.tcpi_bytes_acked);
}

}  // namespace valley
