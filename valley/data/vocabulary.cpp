#include "valley/data/vocabulary.h"

#include <fmt/format.h>

#include "valley/core/error.h"
#include "valley/data/bytes.h"
#include "valley/data/notes.h"

namespace valley {
namespace {

constexpr int64_t kBytes = 256;

std::string unescaped(std::string_view line, const std::string& path, size_t number) {
  std::string token;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '\\') {
      token += line[i];
      continue;
    }
    constexpr std::string_view kLetters = "ntr\\", kMeant = "\n\t\r\\";
    const size_t which = ++i < line.size() ? kLetters.find(line[i]) : kLetters.npos;
    require(which != kLetters.npos,
            "{}: line {}: a backslash stands before n, t, r or another backslash", path, number);
    token += kMeant[which];
  }
  return token;
}

}  // namespace

Vocabulary::Vocabulary() {
  for (int64_t byte = 0; byte < kBytes; ++byte) add(std::string(1, static_cast<char>(byte)));
}

bool Vocabulary::add(const std::string& token) {
  uint32_t node = 0;
  for (const char c : token) {
    const uint64_t key = uint64_t{node} << 8 | static_cast<uint8_t>(c);
    const auto [found, is_new] = next_.emplace(key, static_cast<uint32_t>(token_at_.size()));
    if (is_new) token_at_.push_back(-1);
    node = found->second;
  }
  if (token_at_[node] >= 0) return false;
  token_at_[node] = static_cast<int32_t>(tokens_.size());
  tokens_.push_back(token);
  return true;
}

std::shared_ptr<const Vocabulary> Vocabulary::read(const std::string& path) {
  require_data_file(path, fmt::format("{} takes a file of tokens, one a line", Key{"vocabulary"}));
  ByteReader reader(path);
  constexpr int64_t kMost = int64_t{1} << 28;
  const std::vector<uint8_t> bytes = reader.read(kMost);
  std::string_view rest(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::shared_ptr<Vocabulary> words(new Vocabulary);
  size_t number = 0, single = 0;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    require(!line.empty(), "{}: line {} is empty, expected a token", path, number + 1);
    const std::string token = unescaped(line, path, ++number);
    single += token.size() == 1 ? 1 : 0;
    require(token.size() == 1 || words->add(token), "{}: line {}: the token '{}' comes twice", path,
            number, line);
  }
  if (single > 0)
    add_data_note(fmt::format("{}: {} of {} lines are single bytes, which are tokens anyway", path,
                              single, number));
  return words;
}

std::vector<int32_t> Vocabulary::encode(std::string_view text) const {
  std::vector<int32_t> tokens;
  for (size_t at = 0; at < text.size();) {
    uint32_t node = 0;
    int32_t longest = -1;
    for (size_t i = at; i < text.size(); ++i) {
      const auto found = next_.find(uint64_t{node} << 8 | static_cast<uint8_t>(text[i]));
      if (found == next_.end()) break;
      node = found->second;
      if (token_at_[node] >= 0) longest = token_at_[node];
    }
    tokens.push_back(longest);  // a byte at least
    at += tokens_[static_cast<size_t>(longest)].size();
  }
  return tokens;
}

std::vector<int64_t> Vocabulary::lengths() const {
  std::vector<int64_t> lengths;
  for (const std::string& token : tokens_) lengths.push_back(static_cast<int64_t>(token.size()));
  return lengths;
}

std::string token_name(const Vocabulary* words, int64_t token) {
  if (words != nullptr && token >= kBytes) return words->token(token);
  if (token == '\n') return "\\n";
  if (token == '\t') return "\\t";
  if (token == ' ') return "space";
  return token > ' ' && token < 0x7f ? std::string(1, static_cast<char>(token))
                                     : fmt::format("{:#04x}", token);
}

}  // namespace valley
