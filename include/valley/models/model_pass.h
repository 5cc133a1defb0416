#pragma once

#include "valley/core/error.h"

namespace valley {

/// The work broke off: a network failed in its forward or backward pass, or something came up that
/// no check before the work could see. One line. The program ends with exit code 3. Where a network
/// is only tried, before any work (train/rehearsal.h), the same failure is a UsageError.
class ModelError : public Error {
  using Error::Error;
};

/// To be called where an exception was caught.
/// @throws CommError, IoError, Diverged or ModelError as they are; ModelError, with its text
///     in one line, for any other.
[[noreturn]] void rethrow_as_model_error();

/// f(), which runs a network: whatever the network's own code throws is a ModelError.
template <typename F>
decltype(auto) model_pass(F&& f) {
  try {
    return f();
  } catch (...) {
    rethrow_as_model_error();
  }
}

}  // namespace valley
