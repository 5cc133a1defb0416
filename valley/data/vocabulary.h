#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace valley {

/// Tokens of a text that are longer than a byte. Tokens 0 to 255 are the bytes; token 256 + k is
/// line k of the vocabulary's file (of those that are no single byte), as it stands, spaces
/// included, with \n, \t, \r and \\ for a line end, a tab, a carriage return and a backslash.
///
/// A text is read from front to back, each time by the longest token that it goes on with. So every
/// text has tokens, they say all of it, and how many bytes they stand for is known: bits a byte can
/// be compared with those of any other vocabulary.
///
/// Cost: a look-up a byte of the longest token that begins somewhere, in a table of all beginnings.
class Vocabulary {
 public:
  /// @throws UsageError for a file that is missing, an empty line, a token that comes twice, a
  ///     backslash before another letter.
  static std::shared_ptr<const Vocabulary> read(const std::string& path);

  int64_t size() const { return static_cast<int64_t>(tokens_.size()); }
  const std::string& token(int64_t t) const { return tokens_.at(static_cast<size_t>(t)); }

  std::vector<int32_t> encode(std::string_view text) const;

  /// [V]: of how many bytes each token is.
  std::vector<int64_t> lengths() const;

 private:
  Vocabulary();
  bool add(const std::string& token);  // false if it is there

  std::vector<std::string> tokens_;
  // A tree of beginnings: (node, byte) leads to a node, and a node may be a token.
  std::unordered_map<uint64_t, uint32_t> next_;
  std::vector<int32_t> token_at_ = {-1};
};

/// What stands for a token where people read: "a", "space", "\n", "0xe9", or the text of a longer
/// one. `words` null: of bytes.
std::string token_name(const Vocabulary* words, int64_t token);

}  // namespace valley
