#include "valley/data/text.h"

#include <ATen/ops/from_blob.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "valley/core/error.h"
#include "valley/data/bytes.h"
#include "valley/data/left_out.h"
#include "valley/data/mapped_file.h"
#include "valley/data/notes.h"
#include "valley/data/vocabulary.h"

namespace valley {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kByteTokens = 256;
constexpr int64_t kTenth = 10;  // of the examples is held out

// The bytes of a text, which live as long as `keeper`.
struct Text {
  std::shared_ptr<const void> keeper;
  char* begin = nullptr;  // not to be written
  int64_t size = 0;

  std::string_view bytes() const { return {begin, static_cast<size_t>(size)}; }
};

Text text_of(std::vector<uint8_t> bytes) {
  const auto kept = std::make_shared<std::vector<uint8_t>>(std::move(bytes));
  return {kept, reinterpret_cast<char*>(kept->data()), static_cast<int64_t>(kept->size())};
}

// [n]: its bytes, or what they are in a vocabulary.
at::Tensor tokens_of(const Text& text, const Vocabulary* words) {
  const auto keeper = text.keeper;
  if (words == nullptr)
    return at::from_blob(
        text.begin, {text.size}, [keeper](void*) {}, at::kByte);
  const std::vector<int32_t> tokens = words->encode(text.bytes());
  return at::tensor(tokens, at::kInt);
}

// Unpacked, to the end.
std::vector<uint8_t> whole_file(const fs::path& path) {
  ByteReader reader(path);
  std::vector<uint8_t> bytes = reader.read(std::numeric_limits<int64_t>::max());
  reader.skip_to_end();  // a cut stream is one here
  return bytes;
}

bool is_gzipped(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  char magic[2] = {};
  return file.read(magic, 2) && magic[0] == '\x1f' && magic[1] == '\x8b';
}

Text text_file(const fs::path& path) {
  require_data_file(path, "text:PATH takes a file, or a folder of such");
  if (is_gzipped(path)) return text_of(whole_file(path));
  const auto file = std::make_shared<MappedFile>(path.string());
  return {file, file->at(0), static_cast<int64_t>(file->bytes().size())};
}

std::string without_root(const fs::path& path, const fs::path& root) {
  return path.lexically_relative(root).string();
}

// Ordinary files below a folder, each once, in the order of their paths.
std::vector<fs::path> files_below(const fs::path& root) {
  LeftOut hidden("hidden"), twice("links to files that are read already");
  std::vector<fs::path> paths;
  std::error_code error;
  using Walk = fs::recursive_directory_iterator;
  for (Walk at(root, fs::directory_options::skip_permission_denied, error), end; at != end;
       at.increment(error)) {
    const bool is_hidden = at->path().filename().string().starts_with('.');
    if (is_hidden && at->is_directory(error)) at.disable_recursion_pending();
    if (is_hidden) hidden.add(without_root(at->path(), root));
    if (!is_hidden && at->is_regular_file(error)) paths.push_back(at->path());
  }
  std::sort(paths.begin(), paths.end());
  // Files before the links to them.
  std::stable_partition(paths.begin(), paths.end(),
                        [&](const fs::path& path) { return !fs::is_symlink(path, error); });
  std::set<fs::path> read;
  std::erase_if(paths, [&](const fs::path& path) {
    const bool again = !read.insert(fs::canonical(path, error)).second;
    if (again) twice.add(without_root(path, root));
    return again;
  });
  std::sort(paths.begin(), paths.end());
  hidden.note(root);
  twice.note(root);
  return paths;
}

// Why a file of a folder is no text; "" if it is.
std::string why_no_text(const std::vector<uint8_t>& bytes) {
  if (bytes.empty()) return "empty";
  return std::memchr(bytes.data(), 0, bytes.size()) == nullptr ? "" : "holds a zero byte";
}

Text text_folder(const fs::path& root, bool strict) {
  LeftOut left_out("not readable as text");
  std::vector<uint8_t> all;
  for (const fs::path& path : files_below(root)) {
    std::vector<uint8_t> bytes;
    std::string problem;
    try {
      bytes = whole_file(path);
      problem = why_no_text(bytes);
    } catch (const UsageError& error) {
      if (strict) throw;
      problem = error.what();
    }
    require(problem.empty() || !strict, "{}: {}", path.string(), problem);
    if (problem.empty()) {
      all.insert(all.end(), bytes.begin(), bytes.end());
    } else {
      left_out.add(fmt::format("{} ({})", without_root(path, root), problem));
    }
  }
  left_out.note(root);
  return text_of(std::move(all));
}

Text read_text(const fs::path& path, bool strict) {
  std::error_code error;
  return fs::is_directory(path, error) ? text_folder(path, strict) : text_file(path);
}

// What is cut into sequences, and what errors call it.
struct Tokens {
  at::Tensor values;  // [n]
  std::shared_ptr<const Vocabulary> words;

  int64_t size() const { return values.numel(); }
  std::string unit(int64_t n) const {
    return fmt::format("{}{}", words == nullptr ? "byte" : "token", n == 1 ? "" : "s");
  }
};

// Of so many tokens; the last one of a sequence asks for the token behind it.
int64_t sequences(const Tokens& text, int64_t context) {
  return text.size() > 0 ? (text.size() - 1) / context : 0;
}

void require_room(const fs::path& path, const Tokens& text, int64_t context, int64_t wanted) {
  const std::string behind = text.unit(1) + " behind it";
  require(sequences(text, context) >= wanted,
          "{} is a text of {} {}, but {} {} needs {} at least: {}", path.string(), text.size(),
          text.unit(text.size()), Key{"context"}, context, wanted * context + 1,
          wanted == 1 ? "one sequence and the " + behind
                      : "a sequence to train on, one held out, and the " + behind);
}

void note_rest(const fs::path& path, const Tokens& text, int64_t context) {
  const int64_t rest = text.size() - 1 - sequences(text, context) * context;
  if (rest == 0) return;
  add_data_note(fmt::format(
      "{}: the last {} left out, too few for a sequence of {}", path.string(),
      rest == 1 ? text.unit(1) + " is" : fmt::format("{} {} are", rest, text.unit(rest)), context));
}

// Sequences first to last - 1.
std::shared_ptr<const Dataset> part_of(const Tokens& text, int64_t context, int64_t first,
                                       int64_t last) {
  const auto view = [&](int64_t begin) {
    return text.values.narrow(0, begin, (last - first) * context).view({last - first, context});
  };
  auto data = std::make_shared<Dataset>();
  data->inputs = view(first * context);
  data->targets = view(first * context + 1);
  data->words = text.words;
  data->classes = data->vocabulary = text.words == nullptr ? kByteTokens : text.words->size();
  return data;
}

// [1, n]
at::Tensor end_of_tokens(const at::Tensor& tokens, int64_t most) {
  const int64_t size = std::min(tokens.numel(), most);
  return tokens.narrow(0, tokens.numel() - size, size).unsqueeze(0).clone();
}

}  // namespace

DataSplits load_text(const std::string& path, const DataOptions& options) {
  const fs::path root = path;
  const int64_t context = options.context;
  require(context >= 1, "{} must be at least 1, got {}", Key{"context"}, context);
  std::shared_ptr<const Vocabulary> words;
  if (!options.vocabulary.empty()) words = Vocabulary::read(options.vocabulary);
  const auto tokens = [&](const Text& text) { return Tokens{tokens_of(text, words.get()), words}; };
  std::error_code error;
  if (fs::is_directory(root / "train", error) && fs::is_directory(root / "test", error)) {
    DataSplits data;
    for (const char* name : {"train", "test"}) {
      const Tokens text = tokens(text_folder(root / name, options.strict));
      require_room(root / name, text, context, 1);
      note_rest(root / name, text, context);
      (name == std::string("train") ? data.train : data.test) =
          part_of(text, context, 0, sequences(text, context));
    }
    return data;
  }
  const Tokens text = tokens(read_text(root, options.strict));
  require_room(root, text, context, 2);
  const int64_t all = sequences(text, context), held_out = std::max<int64_t>(1, all / kTenth);
  note_rest(root, text, context);
  add_data_note(fmt::format("{}: the end, {} of {} sequences, is held out as the test set", path,
                            held_out, all));
  return {part_of(text, context, 0, all - held_out), part_of(text, context, all - held_out, all)};
}

at::Tensor end_of_text(const std::string& path, int64_t most, const Vocabulary* words) {
  const Text text = text_file(path);
  require(text.size > 0, "{} is empty", path);
  return end_of_tokens(tokens_of(text, words), most);
}

at::Tensor end_of_prompt(const std::string& prompt, int64_t most, const Vocabulary* words) {
  require(!prompt.empty(), "a prompt must have a byte at least");
  return end_of_tokens(tokens_of(text_of({prompt.begin(), prompt.end()}), words), most);
}

}  // namespace valley
