#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

/// The kinds of error, by who must act. The program maps them to exit codes:
/// UsageError 2, IoError and CommError 3, Diverged 5, everything else (our bug) 1.
namespace valley {

/// The person asked for something that cannot be: an option, a config key, a file's content.
/// Thrown before any work is done; one line that names option, rule and value.
class UsageError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The disk said no while the run was going: full, unwritable, vanished.
class IoError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A worker or the network failed. The text names rank, operation, round and seconds waited.
class CommError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Training left the numbers: a loss that is not finite. The text names step and worker.
class Diverged : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Throws UsageError with the formatted text unless `condition` holds.
///
///     require(0 < alpha && alpha <= 1, "--pull must be in (0, 1], got {}", alpha);
template <typename... Args>
void require(bool condition, fmt::format_string<Args...> text, Args&&... args) {
  if (!condition) throw UsageError(fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace valley
