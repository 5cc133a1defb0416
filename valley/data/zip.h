#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "valley/data/mapped_file.h"

namespace valley {

/// A ZIP archive as numpy.savez() writes it: entries stored or deflated, of more than 4 GB too
/// (ZIP64); neither encrypted nor in several files. Reference: PKWARE, APPNOTE.TXT, version 6.3.
class ZipFile {
 public:
  /// @throws UsageError "PATH is no ZIP archive", "PATH is cut short or damaged: ..."
  explicit ZipFile(const std::string& path);

  bool has(const std::string& name) const { return entries_.count(name) > 0; }

  struct Content {
    std::string_view bytes;
    std::shared_ptr<const void> keeper;  // of the bytes
  };

  /// A stored entry is part of the mapped file, and its checksum is not looked at; a deflated one
  /// is unpacked, with it. @throws UsageError
  Content content(const std::string& name) const;

 private:
  struct Entry {
    uint64_t method = 0, crc32 = 0, packed = 0, size = 0, header = 0, flags = 0;
  };

  std::string_view part(uint64_t begin, uint64_t size) const;
  uint64_t number(uint64_t at, int bytes) const;
  void read_directory();
  void read_zip64(Entry& entry, uint64_t at, uint64_t end) const;

  std::string path_;
  std::shared_ptr<const MappedFile> file_;
  std::map<std::string, Entry> entries_;
};

}  // namespace valley
