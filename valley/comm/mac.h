#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

namespace valley {

/// What shows that its maker knows a secret, and not which: 32 bytes.
using Mac = std::array<unsigned char, 32>;

/// HMAC-SHA256 (RFC 2104, FIPS 180-4) under `secret`, of the parts each with its length before it.
/// By OpenSSL's libcrypto. @throws std::runtime_error if that cannot
Mac mac(const std::string& secret, std::initializer_list<std::string_view> parts);

/// Takes as long wherever they differ.
bool same(std::string_view a, std::string_view b);

/// Its bytes.
template <size_t N>
std::string_view text_of(const std::array<unsigned char, N>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), N};
}

/// 64 digits.
std::string hexadecimal(const Mac& mac);

using Nonce = std::array<unsigned char, 16>;

/// Of libcrypto's generator, which the kernel seeds. @throws std::runtime_error if that cannot
Nonce fresh_nonce();

}  // namespace valley
