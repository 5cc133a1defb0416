#include "valley/data/picture_store.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "valley/core/atomic_file.h"
#include "valley/core/cores.h"
#include "valley/core/crc32c.h"
#include "valley/core/error.h"
#include "valley/data/mapped_file.h"

namespace valley {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// Pixels made otherwise than before are others: the number goes up.
constexpr int kVersion = 1;
constexpr const char *kPixels = "pixels", *kAbout = "about.json";

// body(i) for i in [begin, end), by all cores; it does not throw.
void for_each(size_t begin, size_t end, const std::function<void(size_t)>& body) {
  std::atomic<size_t> next = begin;
  const auto work = [&] {
    for (size_t i = next++; i < end; i = next++) body(i);
  };
  const auto cores = static_cast<size_t>(usable_cores());
  std::vector<std::thread> helpers;
  for (size_t k = 1; k < std::min(cores, end - begin); ++k) helpers.emplace_back(work);
  work();
  for (std::thread& helper : helpers) helper.join();
}

// A folder of its own for these pixels; none where no place is known.
std::optional<fs::path> cache_folder() {
  const auto of = [](const char* variable) -> std::string {
    const char* value = std::getenv(variable);
    return value == nullptr ? "" : value;
  };
  if (const auto own = of("VALLEY_CACHE"); !own.empty()) return own;
  if (const auto xdg = of("XDG_CACHE_HOME"); xdg.starts_with('/')) return fs::path(xdg) / "valley";
  if (const auto home = of("HOME"); !home.empty()) return fs::path(home) / ".cache" / "valley";
  return std::nullopt;
}

// All that the pixels depend on.
std::string fingerprint(const std::vector<PictureFile>& files, const PictureSize& size) {
  std::string text = fmt::format("{} {}x{} {}\n", kVersion, size.width, size.height, size.colour);
  for (const PictureFile& file : files)
    text += fmt::format("{} {:08x} {}\n", file.bytes, file.crc, file.problem.empty());
  return text;
}

using Sink = std::function<void(const at::Tensor& picture)>;

// In the order of the files, a few at a time.
void decode_all(std::vector<PictureFile>& files, const PictureSize& size, const Sink& sink) {
  constexpr size_t kAtOnce = 512;
  for (size_t begin = 0; begin < files.size(); begin += kAtOnce) {
    const size_t end = std::min(begin + kAtOnce, files.size());
    std::vector<at::Tensor> pictures(end - begin);
    for_each(begin, end, [&](size_t i) {
      PictureFile& file = files[i];
      if (!file.problem.empty()) return;
      try {
        const std::string bytes = read_file(file.path);
        pictures[i - begin] =
            resize_and_crop(decode_picture(bytes, size.colour), size.height, size.width);
      } catch (const std::exception& error) {
        file.problem = error.what();
      }
    });
    for (const at::Tensor& picture : pictures)
      if (picture.defined()) sink(picture);
  }
}

std::string_view bytes_of(const at::Tensor& picture) {
  return {static_cast<const char*>(picture.data_ptr()), static_cast<size_t>(picture.nbytes())};
}

int64_t readable(const std::vector<PictureFile>& files) {
  return std::count_if(files.begin(), files.end(),
                       [](const PictureFile& file) { return file.problem.empty(); });
}

std::vector<int64_t> shape_of(int64_t pictures, const PictureSize& size) {
  return {pictures, size.colour ? 3 : 1, size.height, size.width};
}

// Those of an entry, and what was found out about its files; none if it is no good.
std::optional<at::Tensor> find_entry(const fs::path& entry, const std::string& wanted,
                                     std::vector<PictureFile>& files, const PictureSize& size) {
  try {
    const Json about = Json::parse(read_file(entry / kAbout));
    if (about.at("files") != wanted) return std::nullopt;
    std::vector<PictureFile> found = files;
    for (const auto& [place, problem] : about.at("problems").items())
      found.at(std::stoul(place)).problem = problem.get<std::string>();
    const auto file = std::make_shared<MappedFile>((entry / kPixels).string());
    const std::vector<int64_t> shape = shape_of(readable(found), size);
    const auto expected = static_cast<size_t>(shape[0] * shape[1] * shape[2] * shape[3]);
    if (file->bytes().size() != expected || crc32c(file->bytes()) != about.at("crc32c"))
      return std::nullopt;
    files = std::move(found);
    return at::from_blob(
        file->at(0), shape, [file](void*) {}, at::kByte);
  } catch (const UsageError&) {
  } catch (const nlohmann::json::exception&) {
  } catch (const std::logic_error&) {  // a place that is none
  }
  return std::nullopt;
}

void make_entry(const fs::path& entry, const std::string& wanted, std::vector<PictureFile>& files,
                const PictureSize& size) {
  const std::vector<PictureFile> before = files;
  fs::remove(entry / kAbout);  // until all is there again
  AtomicFile pixels(entry / kPixels);
  uint32_t crc = 0;
  decode_all(files, size, [&](const at::Tensor& picture) {
    crc = crc32c(bytes_of(picture), crc);
    pixels.write(bytes_of(picture));
  });
  pixels.commit();
  Json problems = Json::object();
  for (size_t i = 0; i < files.size(); ++i)
    if (before[i].problem.empty() && !files[i].problem.empty())
      problems[std::to_string(i)] = files[i].problem;
  write_atomically(entry / kAbout,
                   Json{{"files", wanted}, {"problems", problems}, {"crc32c", crc}}.dump());
}

// Held by one process of this machine at a time; without locks in the file system by all.
class EntryLock {
 public:
  explicit EntryLock(const fs::path& entry)
      : file_(open((entry / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
    if (file_ < 0) throw IoError(fmt::format("{}: {}", entry.string(), std::strerror(errno)));
    while (flock(file_, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  ~EntryLock() { close(file_); }
  EntryLock(const EntryLock&) = delete;
  EntryLock& operator=(const EntryLock&) = delete;

 private:
  int file_;
};

at::Tensor in_memory(std::vector<PictureFile>& files, const PictureSize& size) {
  const at::Tensor all = at::empty(shape_of(readable(files), size), at::kByte);
  int64_t count = 0;
  decode_all(files, size, [&](const at::Tensor& picture) { all[count++].copy_(picture); });
  return all.narrow(0, 0, count);
}

}  // namespace

void look_at(std::vector<PictureFile>& files) {
  for_each(0, files.size(), [&](size_t i) {
    PictureFile& file = files[i];
    try {
      const std::string bytes = read_file(file.path);
      file.bytes = static_cast<int64_t>(bytes.size());
      file.crc = crc32c(bytes);
      file.size = picture_size(bytes);
    } catch (const std::exception& error) {
      file.problem = error.what();
    }
  });
}

StoredPictures stored_pictures(std::vector<PictureFile>& files, const PictureSize& size) {
  const auto folder = cache_folder();
  if (!folder) {
    return {in_memory(files, size), "no variable VALLEY_CACHE, XDG_CACHE_HOME or HOME is set"};
  }
  const std::string wanted = fingerprint(files, size);
  const fs::path entry = *folder / fmt::format("pictures-{:08x}", crc32c(wanted));
  const std::vector<PictureFile> before = files;
  try {
    fs::create_directories(entry);
    const EntryLock lock(entry);
    auto pixels = find_entry(entry, wanted, files, size);
    if (!pixels) {
      make_entry(entry, wanted, files, size);
      pixels = find_entry(entry, wanted, files, size);
    }
    if (pixels) return {*pixels, ""};
  } catch (const IoError& error) {
    files = before;
    return {in_memory(files, size), error.what()};
  } catch (const fs::filesystem_error& error) {
    files = before;
    return {in_memory(files, size), error.code().message() + ": " + error.path1().string()};
  }
  files = before;
  return {in_memory(files, size), entry.string() + " cannot be read back"};
}

}  // namespace valley
