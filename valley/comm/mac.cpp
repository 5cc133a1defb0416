#include "valley/comm/mac.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <stdexcept>

namespace valley {

Mac mac(const std::string& secret, std::initializer_list<std::string_view> parts) {
  std::string message;
  for (const std::string_view part : parts) message += fmt::format("{}:", part.size()).append(part);
  Mac result;
  unsigned int length = 0;
  const auto* made = HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
                          reinterpret_cast<const unsigned char*>(message.data()), message.size(),
                          result.data(), &length);
  if (made == nullptr || length != result.size())
    throw std::runtime_error("libcrypto has no HMAC-SHA256");
  return result;
}

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string hexadecimal(const Mac& mac) { return fmt::format("{:02x}", fmt::join(mac, "")); }

Nonce fresh_nonce() {
  Nonce nonce;
  if (RAND_bytes(nonce.data(), static_cast<int>(nonce.size())) != 1)
    throw std::runtime_error("libcrypto has no random numbers");
  return nonce;
}

}  // namespace valley
