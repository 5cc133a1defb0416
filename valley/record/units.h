#pragma once

#include <cstdint>
#include <string>

/// Numbers for people to read.
namespace valley {

/// "512 B", "12.3 MB", "1.50 GB"; decimal units, three digits.
std::string format_bytes(int64_t bytes);

/// "0 s", "850 us", "12.3 ms", "4.56 s", "1 min 12 s", "2 h 3 min", "4 d 5 h".
std::string format_seconds(double seconds);

/// "1,234,567".
std::string format_count(int64_t count);

/// Three digits and a unit: "0.512", "98.7", "12.3 k", "4.56 M".
std::string format_short(double value);

}  // namespace valley
