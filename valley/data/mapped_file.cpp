#include "valley/data/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "valley/core/error.h"

namespace valley {

MappedFile::MappedFile(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  require(file >= 0, "cannot open {}: {}", path, std::strerror(errno));
  struct stat status = {};
  void* address = MAP_FAILED;
  if (fstat(file, &status) == 0) {
    size_ = static_cast<size_t>(status.st_size);
    address = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0);
  }
  const int error = errno;
  close(file);
  require(address != MAP_FAILED, "cannot read {}: {}", path, std::strerror(error));
  address_ = static_cast<char*>(address);
}

MappedFile::~MappedFile() { munmap(address_, size_); }

}  // namespace valley
