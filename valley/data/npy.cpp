#include "valley/data/npy.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <fmt/ranges.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "valley/core/error.h"
#include "valley/core/numbers.h"
#include "valley/data/bytes.h"
#include "valley/data/mapped_file.h"

namespace valley {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::string_view kMagic = "\x93NUMPY";

/// What stands behind 'KEY': in the header, a Python dictionary written by numpy, up to `end`.
std::optional<std::string_view> value_of(std::string_view header, std::string_view key,
                                         std::string_view end) {
  const size_t at = header.find(fmt::format("'{}':", key));
  if (at == header.npos) return std::nullopt;
  std::string_view value = header.substr(at + key.size() + 3);
  value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  const size_t length = value.find(end);
  if (length == value.npos) return std::nullopt;
  return value.substr(0, length);
}

struct Header {
  std::string type = {};  // "<f4"
  bool fortran = false;
  std::vector<int64_t> shape = {};
  size_t size = 0;  // where the values begin
};

std::optional<std::vector<int64_t>> parse_shape(std::string_view text) {
  if (!text.starts_with('(')) return std::nullopt;
  text.remove_prefix(1);
  std::vector<int64_t> shape;
  while (text.find_first_not_of(" ,") != text.npos) {
    text.remove_prefix(text.find_first_not_of(" ,"));
    const size_t length = std::min(text.find_first_of(" ,"), text.size());
    const auto size = parse_number<int64_t>(std::string(text.substr(0, length)));
    if (!size || *size < 0) return std::nullopt;
    shape.push_back(*size);
    text.remove_prefix(length);
  }
  return shape;
}

Header parse_header(std::string_view bytes, const std::string& path) {
  require(bytes.starts_with(kMagic), "{} is no .npy file of numpy", path);
  // magic, version major and minor, then the header's length: 2 bytes in version 1, 4 later.
  const size_t begin = kMagic.size() + 2;
  const size_t width = bytes.size() > begin && bytes[kMagic.size()] == 1 ? 2 : 4;
  require(bytes.size() >= begin + width, "{} is cut short: {} bytes", path, bytes.size());
  uint32_t length = 0;
  std::memcpy(&length, bytes.data() + begin, width);
  Header header{.size = begin + width + length};
  require(bytes.size() >= header.size, "{} is cut short: {} bytes, but the header alone has {}",
          path, bytes.size(), header.size);
  const std::string_view text = bytes.substr(begin + width, length);

  const auto type = value_of(text, "descr", ","), order = value_of(text, "fortran_order", ","),
             shape = value_of(text, "shape", ")");
  const auto sizes = shape ? parse_shape(*shape) : std::nullopt;
  require(type && order && sizes && type->size() >= 4, "{}: its header cannot be read: {}", path,
          text.substr(0, std::min<size_t>(text.find('\n'), 100)));
  header.type = std::string(type->substr(1, type->size() - 2));
  header.fortran = *order == "True";
  header.shape = *sizes;
  return header;
}

// By kind and bytes; a type that LibTorch lacks is read as `file` and becomes another.
struct NumberType {
  at::ScalarType type;
  int64_t bytes;
};

std::optional<NumberType> number_type(std::string_view name) {
  static const std::map<std::string_view, NumberType> types = {
      {"f2", {at::kHalf, 2}},  {"f4", {at::kFloat, 4}}, {"f8", {at::kDouble, 8}},
      {"i1", {at::kChar, 1}},  {"i2", {at::kShort, 2}}, {"i4", {at::kInt, 4}},
      {"i8", {at::kLong, 8}},  {"u1", {at::kByte, 1}},  {"b1", {at::kChar, 1}},
      {"u2", {at::kShort, 2}}, {"u4", {at::kInt, 4}},
  };
  const auto found = types.find(name);
  if (found == types.end()) return std::nullopt;
  return found->second;
}

NumberType check_type(const std::string& type, const std::string& path) {
  require(!type.starts_with('>'),
          "{} holds numbers in big-endian order ({}); save x.astype(x.dtype.newbyteorder('=')) in "
          "its place",
          path, type);
  const auto known = number_type(std::string_view(type).substr(1));
  require(known.has_value(),
          "{} holds values of type {}, expected float16, float32, float64, int8 to int64, uint8 to "
          "uint32 or bool",
          path, type);
  return *known;
}

}  // namespace

at::Tensor copied_from(const char* bytes, at::IntArrayRef shape, at::ScalarType type) {
  const at::Tensor values = at::empty(shape, type);
  std::memcpy(values.data_ptr(), bytes, values.nbytes());
  return values;
}

at::Tensor npy_array(std::string_view bytes, const std::shared_ptr<const void>& keeper,
                     const std::string& path) {
  const Header header = parse_header(bytes, path);
  const NumberType number = check_type(header.type, path);
  require(!header.fortran, "{} is in Fortran order; save numpy.ascontiguousarray(x) in its place",
          path);

  uint64_t expected = static_cast<uint64_t>(number.bytes);
  bool overflow = false;
  for (const int64_t size : header.shape)
    overflow |= __builtin_mul_overflow(expected, static_cast<uint64_t>(size), &expected);
  require(!overflow && expected <= INT64_MAX,
          "{}: its header claims more values than any file can hold", path);
  require(expected > 0, "{} is empty: its shape is [{}]", path, fmt::join(header.shape, ", "));
  const uint64_t found = bytes.size() - header.size;
  require(found >= expected, "{} is cut short: {} bytes expected after the header, {} found", path,
          expected, found);
  require(found == expected, "{} is too long: {} bytes expected after the header, {} found", path,
          expected, found);

  char* begin = const_cast<char*>(bytes.data()) + header.size;  // nobody writes there
  // Old versions of numpy padded headers to 16 bytes, others may not at all, and archives put files
  // anywhere.
  const bool aligned =
      reinterpret_cast<uintptr_t>(begin) % static_cast<uintptr_t>(number.bytes) == 0;
  const at::Tensor values = aligned ? at::from_blob(
                                          begin, header.shape, [keeper](void*) {}, number.type)
                                    : copied_from(begin, header.shape, number.type);
  if (header.type.ends_with("u2")) return values.to(at::kInt).bitwise_and(0xffff);
  if (header.type.ends_with("u4")) return values.to(at::kLong).bitwise_and(int64_t{0xffffffff});
  return values;
}

at::Tensor map_npy(const std::string& path) {
  require_data_file(path, "");
  const auto file = std::make_shared<MappedFile>(path);
  return npy_array(file->bytes(), file, path);
}

}  // namespace valley
