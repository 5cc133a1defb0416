#pragma once

#include <filesystem>
#include <string_view>

/// The few system calls that the file classes share.
namespace valley::posix {

/// Writes everything, going on after interruptions. Returns 0 or the errno.
int write_all(int file, std::string_view bytes);

/// fsync that goes on after interruptions and takes "this cannot be synced" for done.
/// Returns 0 or the errno.
int sync(int file);

/// @throws IoError "cannot write PATH: REASON".
[[noreturn]] void throw_cannot_write(const std::filesystem::path& path, int error);

}  // namespace valley::posix
