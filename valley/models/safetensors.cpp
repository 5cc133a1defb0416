#include "valley/models/safetensors.h"

#include <ATen/ops/empty.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "valley/core/atomic_file.h"
#include "valley/core/error.h"
#include "valley/models/dtype.h"

namespace valley {
namespace {

using Json = nlohmann::ordered_json;  // a person reads the header in the model's order

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

constexpr const char* kMetadata = "__metadata__";
constexpr uint64_t kAlignment = 8;

const std::vector<std::pair<std::string, at::ScalarType>>& types() {
  static const std::vector<std::pair<std::string, at::ScalarType>> table = {
      {"F64", at::kDouble}, {"F32", at::kFloat}, {"F16", at::kHalf},  {"BF16", at::kBFloat16},
      {"I64", at::kLong},   {"I32", at::kInt},   {"I16", at::kShort}, {"I8", at::kChar},
      {"U8", at::kByte},    {"BOOL", at::kBool},
  };
  return table;
}

std::string type_name(const NamedTensor& item) {
  for (const auto& [name, type] : types()) {
    if (type == item.tensor.scalar_type()) return name;
  }
  throw UsageError(fmt::format("tensor {} is {}, which a safetensors file cannot hold", item.name,
                               dtype_name(item.tensor.scalar_type())));
}

// ---------------------------------------------------------------------------------------- reading

struct Entry {
  std::string name;
  at::ScalarType type;
  std::vector<int64_t> shape;
  uint64_t begin, end;  // of the data area
};

// What is wrong with the file, without its path.
struct Malformed {
  std::string text;
};

uint64_t unsigned_number(const Json& json, const std::string& name) {
  if (!json.is_number_unsigned() || json.get<uint64_t>() > INT64_MAX) {
    throw Malformed{fmt::format("tensor {} has {} where a size belongs", name, json.dump())};
  }
  return json.get<uint64_t>();
}

Entry parse_entry(const std::string& name, const Json& json) {
  if (!json.is_object() || !json.contains("dtype") || !json["dtype"].is_string() ||
      !json.contains("shape") || !json["shape"].is_array() || !json.contains("data_offsets") ||
      !json["data_offsets"].is_array() || json["data_offsets"].size() != 2) {
    throw Malformed{fmt::format("tensor {} lacks dtype, shape or data_offsets", name)};
  }
  Entry entry{name, {}, {}, 0, 0};

  const auto dtype = json["dtype"].get<std::string>();
  const auto type = std::find_if(types().begin(), types().end(),
                                 [&](const auto& known) { return known.first == dtype; });
  if (type == types().end()) {
    throw Malformed{fmt::format("tensor {} has the unknown type {}", name, dtype)};
  }
  entry.type = type->second;

  uint64_t bytes = c10::elementSize(entry.type);
  bool overflow = false;
  for (const Json& length : json["shape"]) {
    entry.shape.push_back(static_cast<int64_t>(unsigned_number(length, name)));
    overflow |= __builtin_mul_overflow(bytes, unsigned_number(length, name), &bytes);
  }
  entry.begin = unsigned_number(json["data_offsets"][0], name);
  entry.end = unsigned_number(json["data_offsets"][1], name);
  if (overflow || entry.begin > entry.end || entry.end - entry.begin != bytes) {
    throw Malformed{fmt::format("tensor {} is {} {}, but its data_offsets are {} to {}", name,
                                dtype, entry.shape, entry.begin, entry.end)};
  }
  return entry;
}

// The data must fill its area exactly: no gap, no overlap, nothing behind.
void check_layout(const std::vector<Entry>& entries, uint64_t available, const std::string& path) {
  std::vector<const Entry*> by_position;
  for (const Entry& entry : entries) by_position.push_back(&entry);
  std::sort(by_position.begin(), by_position.end(), [](const Entry* a, const Entry* b) {
    return std::pair(a->begin, a->end) < std::pair(b->begin, b->end);
  });
  uint64_t position = 0;
  for (const Entry* entry : by_position) {
    if (entry->begin != position) {
      throw Malformed{
          fmt::format("the data of tensor {} {}", entry->name,
                      entry->begin < position ? "overlaps another's" : "follows a gap")};
    }
    position = entry->end;
  }
  require(position <= available, "{} is cut short: {} of {} bytes of data", path, available,
          position);
  if (position < available) {
    throw Malformed{fmt::format("{} bytes follow its last tensor", available - position)};
  }
}

std::string read_header(std::istream& file, uint64_t file_size, const std::string& path) {
  uint64_t length = 0;
  char first = 0;
  require(file_size > sizeof length, "{} is cut short: {} bytes", path, file_size);
  file.read(reinterpret_cast<char*>(&length), sizeof length);
  file.get(first);
  if (first != '{') throw Malformed{"it has no header"};
  require(length <= file_size - sizeof length, "{} is cut short: {} of {} bytes of header", path,
          file_size - sizeof length, length);

  std::string header(length, '\0');
  file.seekg(sizeof length);
  file.read(header.data(), static_cast<std::streamsize>(length));
  return header;
}

TensorFile read(std::istream& file, uint64_t file_size, const std::string& path) {
  const std::string header = read_header(file, file_size, path);
  const Json json = Json::parse(header, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) throw Malformed{"its header is not JSON"};

  TensorFile result;
  std::vector<Entry> entries;
  for (const auto& [name, value] : json.items()) {
    if (name != kMetadata) {
      entries.push_back(parse_entry(name, value));
      continue;
    }
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string()) throw Malformed{"its __metadata__ is not a map of strings"};
      result.metadata[key] = text.get<std::string>();
    }
  }
  const uint64_t data = sizeof(uint64_t) + header.size();
  check_layout(entries, file_size - data, path);

  for (const Entry& entry : entries) {
    at::Tensor tensor = at::empty(entry.shape, entry.type);
    file.seekg(static_cast<std::streamoff>(data + entry.begin));
    file.read(static_cast<char*>(tensor.data_ptr()),
              static_cast<std::streamsize>(entry.end - entry.begin));
    if (!file) throw IoError(fmt::format("cannot read {}: {}", path, std::strerror(errno)));
    result.tensors.push_back({entry.name, std::move(tensor)});
  }
  return result;
}

}  // namespace

void write_safetensors(const ByteSink& sink, const std::vector<NamedTensor>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<const NamedTensor*> by_width;
  for (const NamedTensor& item : tensors) by_width.push_back(&item);
  std::stable_sort(by_width.begin(), by_width.end(),
                   [](const NamedTensor* a, const NamedTensor* b) {
                     return a->tensor.element_size() > b->tensor.element_size();
                   });
  std::map<const NamedTensor*, uint64_t> begins;
  uint64_t position = 0;
  for (const NamedTensor* item : by_width) {
    begins[item] = position;
    position += item->tensor.nbytes();
  }

  Json header = Json::object();
  if (!metadata.empty()) header[kMetadata] = metadata;
  for (const NamedTensor& item : tensors) {
    require(item.name != kMetadata && !header.contains(item.name),
            "two tensors are named {} in one safetensors file", item.name);
    const uint64_t begin = begins.at(&item);
    header[item.name] = {{"dtype", type_name(item)},
                         {"shape", item.tensor.sizes().vec()},
                         {"data_offsets", {begin, begin + item.tensor.nbytes()}}};
  }
  std::string text = header.dump(-1, ' ', false, Json::error_handler_t::replace);
  text.resize((text.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');

  const uint64_t length = text.size();
  sink(&length, sizeof length);
  sink(text.data(), text.size());
  for (const NamedTensor* item : by_width) {
    const at::Tensor data = item->tensor.detach().cpu().contiguous();
    if (data.nbytes() > 0) sink(data.data_ptr(), data.nbytes());
  }
}

void save_safetensors(const std::string& path, const std::vector<NamedTensor>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  AtomicFile file(path);
  write_safetensors([&](const void* data, size_t bytes) { file.write(data, bytes); }, tensors,
                    metadata);
  file.commit();
}

TensorFile load_safetensors(const std::string& path) {
  std::error_code error;
  const uint64_t size = std::filesystem::file_size(path, error);
  require(!error, "cannot read {}: {}", path, error.message());
  std::ifstream file(path, std::ios::binary);
  require(file.is_open(), "cannot read {}: {}", path, std::strerror(errno));
  try {
    return read(file, size, path);
  } catch (const Malformed& malformed) {
    throw UsageError(fmt::format("{} is no safetensors file: {}", path, malformed.text));
  }
}

}  // namespace valley
