#pragma once

#include <atomic>
#include <list>
#include <mutex>
#include <string>
#include <thread>

#include "valley/comm/tcp_socket.h"

namespace valley {

/// Answers whoever asks by HTTP for /metrics with the last text it was given, as Prometheus does:
/// a thread that costs nothing while nobody asks. It reads no more than the head of a request, of 8
/// KiB in 5 seconds at most, from 16 at a time; each connection is for one answer.
class GaugePort {
 public:
  /// `place` as metrics_place() reads it. @throws UsageError with the kernel's reason if it cannot
  /// be had
  explicit GaugePort(const std::string& place);
  ~GaugePort();
  GaugePort(const GaugePort&) = delete;
  GaugePort& operator=(const GaugePort&) = delete;

  void show(std::string text);

 private:
  struct Request {
    TcpSocket socket;
    double since = 0;
    std::string head, answer;
    bool answered = false;
  };

  void run();
  bool serve(Request& request) const;
  std::string answer_to(const std::string& head) const;

  const TcpSocket door_, wake_;
  mutable std::mutex mutex_;
  std::string text_;
  std::list<Request> requests_;
  std::thread thread_;  // the last: all it uses is there
};

/// Whether it could be had now; "" always can. @throws UsageError
void require_free_port(const std::string& place);

}  // namespace valley
