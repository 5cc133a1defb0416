#pragma once

/// What the program ends with; `valley --help` lists them.
namespace valley::app::exit_code {

inline constexpr int kDone = 0;
inline constexpr int kBug = 1;
inline constexpr int kUsage = 2;
inline constexpr int kWorld = 3;
inline constexpr int kInterrupted = 4;
inline constexpr int kDiverged = 5;
inline constexpr int kStoppedAtOnce = 130;  ///< 128 + SIGINT, as a shell expects

}  // namespace valley::app::exit_code
