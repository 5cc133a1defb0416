#include "app/hand_over.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <string>

#include "valley/core/error.h"

namespace valley::app {

namespace fs = std::filesystem;

// It lies beside the program, wherever both were installed: PREFIX/bin and PREFIX/libexec/valley.
void HandOver::become_engine() const {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  const fs::path engine = self.parent_path().parent_path() / VALLEY_ENGINE;
  std::cout.flush();
  std::cerr.flush();
  execv(engine.c_str(), argv_);
  throw IoError(fmt::format("cannot start {}, the part of this program that trains: {}",
                            engine.string(), std::strerror(errno)));
}

void HandOver::before_reading(const std::string& file) {
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (fs::exists(status) && !fs::is_regular_file(status) && !fs::is_directory(status))
    become_engine();
}

}  // namespace valley::app
