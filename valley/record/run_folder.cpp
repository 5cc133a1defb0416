#include "valley/record/run_folder.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "valley/core/atomic_file.h"
#include "valley/core/error.h"

namespace valley {
namespace fs = std::filesystem;

RunFolder::RunFolder(fs::path path) : path_(std::move(path)) {}

RunFolder RunFolder::create(const fs::path& path) {
  require(!path.empty(), "{} must name a folder, got ''", Key{"out"});
  const RunFolder folder(path);
  std::error_code error;
  for (const auto name : {kConfig, kMetrics}) {
    const bool held = fs::exists(folder.file(name), error);
    require(!held, "{} {} already holds a run; choose another folder, or {} {} to go on",
            Key{"out"}, path.string(), Key{"resume"}, path.string());
  }
  fs::create_directories(path, error);
  require(!error, "{} {} cannot be created: {}", Key{"out"}, path.string(), error.message());
  folder.require_writable(fmt::format("{}", Key{"out"}));
  return folder;
}

RunFolder RunFolder::open(const fs::path& path) {
  const RunFolder folder(path);
  std::error_code error;
  require(fs::is_directory(path, error), "{} is no run folder: there is no such folder",
          path.string());
  require(fs::exists(folder.file(kConfig), error), "{} is no run folder: {} is missing",
          path.string(), kConfig);
  return folder;
}

void RunFolder::require_writable(std::string_view option) const {
  const fs::path probe = file(".writable");
  const int file = ::open(probe.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  require(file >= 0, "{} {} cannot be written: {}", option, path_.string(),
          std::generic_category().message(errno));
  ::close(file);
  ::unlink(probe.c_str());
}

void RunFolder::write_atomically(std::string_view name, std::string_view content) const {
  valley::write_atomically(file(name), content);
}

}  // namespace valley
