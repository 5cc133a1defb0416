#include "valley/data/array_source.h"

#include <ATen/ops/from_blob.h>
#include <fmt/ranges.h>

#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "valley/core/error.h"
#include "valley/data/bytes.h"
#include "valley/data/mapped_file.h"
#include "valley/data/npy.h"
#include "valley/data/zip.h"

namespace valley {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::string_view kNeeded =
    "arrays:PATH takes the folder of x_train.npy, y_train.npy, x_test.npy and y_test.npy, as "
    "numpy.save() writes them, or a file.npz or file.safetensors with arrays of these names";

ArraySource of_folder(const std::string& path) {
  return [path](const std::string& name) {
    const std::string file = (fs::path(path) / (name + ".npy")).string();
    require_data_file(file, std::string(kNeeded));
    return NamedArray{file, map_npy(file)};
  };
}

ArraySource of_npz(const std::string& path) {
  const auto archive = std::make_shared<ZipFile>(path);
  return [path, archive](const std::string& name) {
    const std::string what = path + ": " + name;
    require(archive->has(name + ".npy"), "{} is missing; {}", what, kNeeded);
    const ZipFile::Content content = archive->content(name + ".npy");
    return NamedArray{what, npy_array(content.bytes, content.keeper, what)};
  };
}

at::ScalarType tensor_type(const std::string& type, const std::string& what) {
  static const std::map<std::string, at::ScalarType> types = {
      {"F64", at::kDouble}, {"F32", at::kFloat}, {"F16", at::kHalf},
      {"I64", at::kLong},   {"I32", at::kInt},   {"I16", at::kShort},
      {"I8", at::kChar},    {"U8", at::kByte},   {"BOOL", at::kChar}};
  const auto found = types.find(type);
  require(found != types.end(),
          "{} holds values of type {}, expected F16 to F64, I8 to I64, U8 or BOOL", what, type);
  return found->second;
}

// A file of tensors: its header's length, the header in JSON, the values.
class TensorsFile {
 public:
  explicit TensorsFile(const std::string& path) : path_(path) {
    require_data_file(path, "");
    file_ = std::make_shared<MappedFile>(path);
    const std::string_view all = file_->bytes();
    uint64_t length = 0;
    require(all.size() > sizeof length, "{} is cut short: {} bytes", path, all.size());
    std::memcpy(&length, all.data(), sizeof length);
    require(all[sizeof length] == '{', "{} is no safetensors file: it has no header", path);
    require(length <= all.size() - sizeof length, "{} is cut short: {} of {} bytes of header", path,
            all.size() - sizeof length, length);
    begin_ = sizeof length + length;
    header_ = Json::parse(all.substr(sizeof length, length), nullptr, /*allow_exceptions=*/false);
    require(header_.is_object(), "{} is no safetensors file: its header is not JSON", path);
  }

  NamedArray array(const std::string& name) const {
    const std::string what = path_ + ": " + name;
    require(header_.contains(name), "{} is missing; {}", what, kNeeded);
    try {
      const Json& entry = header_[name];
      const auto shape = entry.at("shape").get<std::vector<int64_t>>();
      const auto places = entry.at("data_offsets").get<std::vector<uint64_t>>();
      return {what, values(entry.at("dtype").get<std::string>(), shape, places, what)};
    } catch (const Json::exception&) {
      throw UsageError(what + " lacks dtype, shape or data_offsets");
    }
  }

 private:
  at::Tensor values(const std::string& dtype, const std::vector<int64_t>& shape,
                    const std::vector<uint64_t>& places, const std::string& what) const {
    const at::ScalarType type = tensor_type(dtype, what);
    uint64_t bytes = c10::elementSize(type);
    bool impossible = places.size() != 2;
    for (const int64_t size : shape)
      impossible |= size < 0 || __builtin_mul_overflow(bytes, static_cast<uint64_t>(size), &bytes);
    impossible = impossible || places[0] > places[1] || places[1] - places[0] != bytes;
    require(!impossible, "{} is {} [{}], but its data_offsets are [{}]", what, dtype,
            fmt::join(shape, ", "), fmt::join(places, ", "));
    require(bytes > 0, "{} is empty: its shape is [{}]", what, fmt::join(shape, ", "));
    const uint64_t there = file_->bytes().size() - begin_;
    require(places[1] <= there, "{} is cut short: {} of {} bytes of data", path_, there, places[1]);
    const auto keeper = file_;
    char* begin = file_->at(begin_ + places[0]);
    const bool aligned = reinterpret_cast<uintptr_t>(begin) % c10::elementSize(type) == 0;
    return aligned ? at::from_blob(
                         begin, shape, [keeper](void*) {}, type)
                   : copied_from(begin, shape, type);
  }

  std::string path_;
  std::shared_ptr<const MappedFile> file_;
  size_t begin_ = 0;  // of the values
  Json header_;
};

}  // namespace

ArraySource array_source(const std::string& path) {
  std::error_code error;
  const std::string ending = fs::path(path).extension().string();
  if (ending == ".npz") return of_npz(path);
  if (ending == ".safetensors") {
    const auto file = std::make_shared<TensorsFile>(path);
    return [file](const std::string& name) { return file->array(name); };
  }
  require(!fs::exists(path, error) || fs::is_directory(path, error), "{} is a file; {}", path,
          kNeeded);
  return of_folder(path);
}

}  // namespace valley
