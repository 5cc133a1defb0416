#include "valley/comm/token.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "valley/core/error.h"

namespace valley {
namespace {

constexpr size_t kLeastBytes = 16, kMostTokenBytes = 4096;

std::string checked(std::string token, const std::string& from) {
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
  const bool one_line =
      std::none_of(token.begin(), token.end(), [](unsigned char c) { return c < ' '; });
  require(one_line && kLeastBytes <= token.size() && token.size() <= kMostTokenBytes,
          "{}: a token is one line of {} to {} bytes; head -c 32 /dev/urandom | base64 makes one",
          from, kLeastBytes, kMostTokenBytes);
  return token;
}

}  // namespace

std::string read_token(const std::string& file, const Getenv& getenv) {
  if (file.empty()) {
    const char* const value = getenv(kTokenVariable);
    return value == nullptr || *value == '\0' ? "" : checked(value, kTokenVariable);
  }
  const std::string from = fmt::format("{} {}", Key{"token-file"}, file);
  std::ifstream in(file, std::ios::binary);
  std::string text(kMostTokenBytes + 3, '\0');  // and a line end, and a byte too many
  if (in) in.read(text.data(), static_cast<std::streamsize>(text.size()));
  require(!in.bad() && (in.gcount() > 0 || in.eof()), "{}: {}", from, std::strerror(errno));
  text.resize(static_cast<size_t>(in.gcount()));
  return checked(text, from);
}

}  // namespace valley
