#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

/// The kinds of error, by who must act. The program maps them to exit codes:
/// UsageError 2, IoError and CommError 3, Diverged 5, everything else (our bug) 1.
namespace valley {

/// A setting, named in a message by its key: whoever shows the message writes it as settings are
/// written there, a program of flags as --pull.
///
///     require(alpha <= 1, "{} must be at most 1, got {}", Key{"pull"}, alpha);
struct Key {
  std::string_view name;
};

/// Stands before every key in a message that is still to be shown.
inline constexpr char kKeyMark = '\x1f';

/// The text with `before` in place of every mark.
std::string spell_keys(std::string_view text, std::string_view before);

/// One line for a person. what() has the keys of settings as they are in files: "pull must be ...".
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& text) : runtime_error(spell_keys(text, "")), text_(text) {}

  /// With marks, for a message that holds this one.
  const std::string& marked() const { return text_; }

  /// As a program with flags shows it: "--pull must be ...".
  std::string with_flags() const { return spell_keys(text_, "--"); }

 private:
  std::string text_;
};

/// The person asked for something that cannot be: an option, a config key, a file's content.
/// Thrown before any work is done; one line that names option, rule and value.
class UsageError : public Error {
  using Error::Error;
};

/// The disk said no while the run was going: full, unwritable, vanished.
class IoError : public Error {
  using Error::Error;
};

/// A worker or the network failed. The text names rank, operation, round and seconds waited.
class CommError : public Error {
  using Error::Error;
};

/// Training left the numbers: a loss that is not finite. The text names step and worker.
class Diverged : public Error {
  using Error::Error;
};

/// What an exception says, with marks where it has any.
std::string marked_text(const std::exception& error);

/// Throws UsageError with the formatted text unless `condition` holds.
///
///     require(0 < alpha && alpha <= 1, "{} must be in (0, 1], got {}", Key{"pull"}, alpha);
template <typename... Args>
void require(bool condition, fmt::format_string<Args...> text, Args&&... args) {
  if (!condition) throw UsageError(fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace valley

template <>
struct fmt::formatter<valley::Key> : fmt::formatter<std::string_view> {
  template <typename Context>
  auto format(const valley::Key& key, Context& context) const {
    return fmt::format_to(context.out(), "{}{}", valley::kKeyMark, key.name);
  }
};
