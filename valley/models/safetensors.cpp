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
#include <numeric>

#include "valley/core/atomic_file.h"
#include "valley/core/checksum.h"
#include "valley/core/crc32c.h"
#include "valley/core/error.h"
#include "valley/core/nesting.h"
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
  uint64_t strides = bytes;  // LibTorch multiplies what stands beside a 0, too
  bool overflow = false;
  for (const Json& length : json["shape"]) {
    const uint64_t size = unsigned_number(length, name);
    entry.shape.push_back(static_cast<int64_t>(size));
    overflow |= __builtin_mul_overflow(bytes, size, &bytes);
    overflow |= __builtin_mul_overflow(strides, std::max<uint64_t>(size, 1), &strides);
  }
  overflow |= strides > INT64_MAX;
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
  if (position > available) {
    throw DamagedFile(
        fmt::format("{} is cut short: {} of {} bytes of data", path, available, position));
  }
  if (position < available) {
    throw Malformed{fmt::format("{} bytes follow its last tensor", available - position)};
  }
}

std::string read_header(std::istream& file, uint64_t file_size, const std::string& path) {
  uint64_t length = 0;
  char first = 0;
  if (file_size <= sizeof length)
    throw DamagedFile(fmt::format("{} is cut short: {} bytes", path, file_size));
  file.read(reinterpret_cast<char*>(&length), sizeof length);
  file.get(first);
  if (first != '{') throw Malformed{"it has no header"};
  if (length > file_size - sizeof length) {
    throw DamagedFile(fmt::format("{} is cut short: {} of {} bytes of header", path,
                                  file_size - sizeof length, length));
  }

  std::string header(length, '\0');
  file.seekg(sizeof length);
  file.read(header.data(), static_cast<std::streamsize>(length));
  return header;
}

// How a header with a checksum begins; its digits follow, which count as zeros.
constexpr std::string_view kBegin = R"({"__metadata__":{"crc32c":")";
constexpr std::string_view kZeros = "00000000";

uint32_t checksum_of_header(std::string header) {
  header.replace(kBegin.size(), kZeros.size(), kZeros);
  const uint64_t length = header.size();
  return crc32c(header, crc32c({reinterpret_cast<const char*>(&length), sizeof length}));
}

std::optional<uint32_t> recorded_checksum(const std::string& header) {
  const std::string_view begin = std::string_view(header).substr(0, kBegin.size());
  if (is_flipped(begin, kBegin)) throw Malformed{"its header is damaged"};
  if (begin != kBegin) return std::nullopt;
  const auto recorded =
      parse_checksum(std::string_view(header).substr(kBegin.size(), kZeros.size()));
  if (!recorded) throw Malformed{"its checksum is damaged"};
  return recorded;
}

TensorFile read(std::istream& file, uint64_t file_size, const std::string& path) {
  const std::string header = read_header(file, file_size, path);
  if (is_too_deep(header))
    throw Malformed{fmt::format("its header nests lists more than {} deep", kDeepestJson)};
  const Json json = Json::parse(header, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) throw Malformed{"its header is not JSON"};

  TensorFile result;
  result.crc32c = recorded_checksum(header);
  std::vector<Entry> entries;
  for (const auto& [name, value] : json.items()) {
    if (name != kMetadata) {
      entries.push_back(parse_entry(name, value));
      continue;
    }
    if (!value.is_object()) throw Malformed{"its __metadata__ is not a map of strings"};
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string()) throw Malformed{"its __metadata__ is not a map of strings"};
      if (key != kChecksumKey || !result.crc32c) result.metadata[key] = text.get<std::string>();
    }
  }
  const uint64_t data = sizeof(uint64_t) + header.size();
  check_layout(entries, file_size - data, path);

  for (const Entry& entry : entries)
    result.tensors.push_back({entry.name, at::empty(entry.shape, entry.type)});
  // In the order of the file: the checksum is of its bytes as they come.
  std::vector<size_t> order(entries.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return entries[a].begin < entries[b].begin; });
  uint32_t found = result.crc32c ? checksum_of_header(header) : 0;
  file.seekg(static_cast<std::streamoff>(data));
  for (const size_t k : order) {
    const size_t bytes = entries[k].end - entries[k].begin;
    char* to = static_cast<char*>(result.tensors[k].tensor.data_ptr());
    file.read(to, static_cast<std::streamsize>(bytes));
    if (!file) throw IoError(fmt::format("cannot read {}: {}", path, std::strerror(errno)));
    if (result.crc32c) found = crc32c({to, bytes}, found);
  }
  if (result.crc32c) require_checksum(path, *result.crc32c, found);
  return result;
}

}  // namespace

FileSum write_safetensors(const ByteSink& sink, const std::vector<NamedTensor>& tensors,
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
  require(metadata.count(std::string(kChecksumKey)) == 0,
          "the metadata of a safetensors file has "
          "a {} of its own",
          kChecksumKey);
  header[kMetadata][std::string(kChecksumKey)] = kZeros;
  for (const auto& [key, value] : metadata) header[kMetadata][key] = value;
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

  const auto for_each_part = [&](const ByteSink& take) {
    for (const NamedTensor* item : by_width) {
      const at::Tensor data = item->tensor.detach().cpu().contiguous();
      if (data.nbytes() > 0) take(data.data_ptr(), data.nbytes());
    }
  };
  // The sum stands before what it is of: one pass over the memory more, at several GB/s.
  const uint64_t length = text.size();
  FileSum sum{.bytes = sizeof length + length + position, .crc32c = checksum_of_header(text)};
  for_each_part([&](const void* data, size_t bytes) {
    sum.crc32c = crc32c({static_cast<const char*>(data), bytes}, sum.crc32c);
  });
  text.replace(kBegin.size(), kZeros.size(), checksum_text(sum.crc32c));

  sink(&length, sizeof length);
  sink(text.data(), text.size());
  for_each_part(sink);
  return sum;
}

FileSum save_safetensors(const std::string& path, const std::vector<NamedTensor>& tensors,
                         const std::map<std::string, std::string>& metadata) {
  AtomicFile file(path);
  const FileSum sum = write_safetensors(
      [&](const void* data, size_t bytes) { file.write(data, bytes); }, tensors, metadata);
  file.commit();
  return sum;
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
    throw DamagedFile(fmt::format("{} is no safetensors file: {}", path, malformed.text));
  }
}

}  // namespace valley
