#pragma once

#include <string>
#include <vector>

#include "valley/comm/call.h"

namespace valley {

/// Why a group ended, as the first worker to notice tells the others.
struct Failure {
  enum Kind { kLost, kLeft, kTimeout, kMismatch };
  Kind kind;
  int culprit;       ///< global rank; kLost, kLeft: who is not there; else whoever wrote this
  std::string text;  ///< kLost, kLeft: the reason, else the whole message

  bool lost() const { return kind == kLost || kind == kLeft; }

  std::string encode() const;
  static Failure decode(const std::string& code);

  /// As the worker of the global rank `self`, which waited in that operation. @throws CommError
  [[noreturn]] void raise(int self, const Call& call, double waited) const;
};

/// "it left the group after operation 7".
std::string left_after(int64_t sequence);

/// "timed out after 0.3 s in barrier 7: waiting for ranks 1, 2".
std::string timeout_text(const Call& call, double waited, const std::vector<int>& global_ranks);

/// "waiting for ranks 1, 2 in barrier 7, for 10 s now".
std::string stall_text(const Call& call, double waited, const std::vector<int>& global_ranks);

}  // namespace valley
