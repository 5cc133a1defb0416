#pragma once

#include <cstdint>
#include <string>

namespace CLI {
class App;
}

/// Flags whose value is one number.
namespace valley::app {

/// For CLI11's check(). @throws UsageError unless the text is a whole number within range.
std::string check_whole_number(const std::string& flag, const std::string& text);

/// The same for any number.
std::string check_real_number(const std::string& flag, const std::string& text);

/// A flag of one number, checked so; --help shows its default.
void add_number(CLI::App& command, const std::string& flag, int64_t& value,
                const std::string& help);
void add_number(CLI::App& command, const std::string& flag, double& value, const std::string& help);

}  // namespace valley::app
