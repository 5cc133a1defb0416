#include "valley/train/model_file.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "valley/core/atomic_file.h"
#include "valley/core/crc32c.h"
#include "valley/core/error.h"
#include "valley/models/model_names.h"
#include "valley/record/json_file.h"

namespace valley {
namespace {

namespace fs = std::filesystem;

struct Fingerprint {
  uint64_t bytes = 0;
  std::string crc32c;

  bool operator==(const Fingerprint&) const = default;
};

// Reads the file piece by piece, which `also` gets too.
Fingerprint fingerprint_of(const std::string& path,
                           const std::function<void(std::string_view)>& also = nullptr) {
  std::ifstream file(path, std::ios::binary);
  require(file.is_open(), "cannot read {}: {}", path, std::strerror(errno));
  std::string block(size_t{1} << 20, '\0');
  uint64_t bytes = 0;
  uint32_t crc = 0;
  while (file.read(block.data(), static_cast<std::streamsize>(block.size())), file.gcount() > 0) {
    const std::string_view piece(block.data(), static_cast<size_t>(file.gcount()));
    bytes += piece.size();
    crc = crc32c(piece, crc);
    if (also) also(piece);
  }
  require(!file.bad(), "cannot read {}: {}", path, std::strerror(errno));
  return {bytes, fmt::format("{:08x}", crc)};
}

std::string to_text(const Fingerprint& f) {
  return fmt::format("{} bytes, CRC-32C {}", f.bytes, f.crc32c);
}

struct Record {
  std::string model;
  Fingerprint fingerprint;
};

std::optional<Record> read_record(const fs::path& folder) {
  const fs::path file = folder / kInitialRecord;
  std::error_code error;
  if (!fs::exists(file, error)) return std::nullopt;
  try {
    const Json json = read_json(file);
    const Json& content = json.at("content");
    return Record{json.at("model"), {content.at("bytes"), content.at("crc32c")}};
  } catch (const Json::exception&) {
    throw UsageError(fmt::format("{} is damaged", file.string()));
  }
}

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

}  // namespace

void keep_model_file(const RunConfig& config) {
  if (!is_model_file(config.model)) return;
  AtomicFile copy(fs::path(config.out) / kInitialModel);
  const Fingerprint fingerprint =
      fingerprint_of(config.model, [&](std::string_view piece) { copy.write(piece); });
  copy.commit();
  // Below a key of its own: at the top crc32c is that of the record itself.
  write_json(fs::path(config.out) / kInitialRecord,
             {{"model", config.model},
              {"content", {{"bytes", fingerprint.bytes}, {"crc32c", fingerprint.crc32c}}}});
}

std::string model_to_load(const RunConfig& config) {
  if (config.out.empty() || !is_model_file(config.model)) return config.model;
  const auto record = read_record(config.out);
  if (!record) return config.model;
  const std::string copy = (fs::path(config.out) / kInitialModel).string();
  const Fingerprint found = fingerprint_of(copy);
  require(found == record->fingerprint,
          "{} is not the file that the run began with, {}: it has {}, {} says {}", copy,
          record->model, to_text(found), kInitialRecord, to_text(record->fingerprint));
  return copy;
}

void require_same_model_file(const RunConfig& config) {
  if (!is_model_file(config.model) || !is_file(config.model)) return;
  const auto record = read_record(config.out);
  if (!record) return;
  const Fingerprint found = fingerprint_of(config.model);
  require(found == record->fingerprint,
          "{} holds a run of {} as it was then ({}); the file has changed since ({}); choose "
          "another {}",
          config.out, record->model, to_text(record->fingerprint), to_text(found), Key{"out"});
}

}  // namespace valley
