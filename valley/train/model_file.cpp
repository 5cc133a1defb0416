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
#include "valley/record/run_folder.h"

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

// A file that a run keeps a copy of, and what is recorded of it.
struct Kept {
  const char* copy;
  const char* record;
  const char* key;
};
constexpr Kept kModel = {kInitialModel, kInitialRecord, "model"};
constexpr Kept kWeights = {kInitialWeights, kInitialWeightsRecord, "init"};

struct Record {
  std::string path;
  Fingerprint fingerprint;
};

std::optional<Record> read_record(const Kept& kept, const fs::path& folder) {
  const fs::path file = folder / kept.record;
  std::error_code error;
  if (!fs::exists(file, error)) return std::nullopt;
  try {
    const Json json = read_json(file);
    const Json& content = json.at("content");
    return Record{json.at(kept.key), {content.at("bytes"), content.at("crc32c")}};
  } catch (const Json::exception&) {
    throw UsageError(fmt::format("{} is damaged", file.string()));
  }
}

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

void keep(const Kept& kept, const std::string& path, const fs::path& folder) {
  AtomicFile copy(folder / kept.copy);
  const Fingerprint fingerprint =
      fingerprint_of(path, [&](std::string_view piece) { copy.write(piece); });
  copy.commit();
  // Below a key of its own: at the top crc32c is that of the record itself.
  write_json(folder / kept.record,
             {{kept.key, path},
              {"content", {{"bytes", fingerprint.bytes}, {"crc32c", fingerprint.crc32c}}}});
}

std::string to_load(const Kept& kept, const std::string& path, const std::string& folder) {
  if (folder.empty()) return path;
  const auto record = read_record(kept, folder);
  if (!record) return path;
  const std::string copy = (fs::path(folder) / kept.copy).string();
  const Fingerprint found = fingerprint_of(copy);
  require(found == record->fingerprint,
          "{} is not the file that the run began with, {}: it has {}, {} says {}", copy,
          record->path, to_text(found), kept.record, to_text(record->fingerprint));
  return copy;
}

void require_same(const Kept& kept, const std::string& path, const std::string& folder) {
  if (!is_file(path)) return;
  const auto record = read_record(kept, folder);
  if (!record) return;
  const Fingerprint found = fingerprint_of(path);
  require(found == record->fingerprint,
          "{} holds a run of {} as it was then ({}); the file has changed since ({}); choose "
          "another {}",
          folder, record->path, to_text(record->fingerprint), to_text(found), Key{"out"});
}

}  // namespace

std::string weights_file(const std::string& init) {
  std::error_code error;
  return fs::is_directory(init, error) ? (fs::path(init) / RunFolder::kModel).string() : init;
}

void keep_model_file(const RunConfig& config) {
  if (is_model_file(config.model)) keep(kModel, config.model, config.out);
}

void keep_initial_weights(const RunConfig& config) {
  if (!config.init.empty()) keep(kWeights, weights_file(config.init), config.out);
}

std::string model_to_load(const RunConfig& config) {
  return is_model_file(config.model) ? to_load(kModel, config.model, config.out) : config.model;
}

std::string weights_to_load(const RunConfig& config) {
  return config.init.empty() ? "" : to_load(kWeights, weights_file(config.init), config.out);
}

void require_same_model_file(const RunConfig& config) {
  if (is_model_file(config.model)) require_same(kModel, config.model, config.out);
  if (!config.init.empty()) require_same(kWeights, weights_file(config.init), config.out);
}

}  // namespace valley
