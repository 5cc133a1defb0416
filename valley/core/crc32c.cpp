#include "valley/core/crc32c.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <arm_acle.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace valley {
namespace {

using Tables = std::array<std::array<uint32_t, 256>, 8>;

// tables[k][byte]: what `byte` contributes when k zero bytes follow it.
constexpr Tables make_tables() {
  constexpr uint32_t kReversedPolynomial = 0x82F63B78;
  Tables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t rest = byte;
    for (int bit = 0; bit < 8; ++bit) rest = (rest >> 1) ^ (rest & 1 ? kReversedPolynomial : 0);
    tables[0][byte] = rest;
  }
  for (size_t k = 1; k < tables.size(); ++k)
    for (uint32_t byte = 0; byte < 256; ++byte) {
      const uint32_t one_less = tables[k - 1][byte];
      tables[k][byte] = (one_less >> 8) ^ tables[0][one_less & 0xFF];
    }
  return tables;
}

constexpr Tables kTables = make_tables();

uint64_t load_word(const char* at) {
  uint64_t word;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

// The three below take and give the register, the complement of what callers see.

uint32_t by_tables(uint32_t crc, const char* at, size_t size) {
  static_assert(std::endian::native == std::endian::little);
  for (; size >= 8; at += 8, size -= 8) {
    const uint64_t word = load_word(at) ^ crc;
    crc = 0;
    for (int k = 0; k < 8; ++k)
      crc ^= kTables[static_cast<size_t>(7 - k)][(word >> (8 * k)) & 0xFF];
  }
  for (; size > 0; ++at, --size)
    crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<uint8_t>(*at)) & 0xFF];
  return crc;
}

#if defined(__x86_64__)
bool has_instruction() { return __builtin_cpu_supports("sse4.2") != 0; }

__attribute__((target("sse4.2"))) uint32_t by_instruction(uint32_t crc, const char* at,
                                                          size_t size) {
  uint64_t wide = crc;
  for (; size >= 8; at += 8, size -= 8) wide = _mm_crc32_u64(wide, load_word(at));
  crc = static_cast<uint32_t>(wide);
  for (; size > 0; ++at, --size) crc = _mm_crc32_u8(crc, static_cast<uint8_t>(*at));
  return crc;
}
#elif defined(__aarch64__) && defined(__linux__)
bool has_instruction() { return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0; }

__attribute__((target("+crc"))) uint32_t by_instruction(uint32_t crc, const char* at, size_t size) {
  for (; size >= 8; at += 8, size -= 8) crc = __crc32cd(crc, load_word(at));
  for (; size > 0; ++at, --size) crc = __crc32cb(crc, static_cast<uint8_t>(*at));
  return crc;
}
#else
bool has_instruction() { return false; }

uint32_t by_instruction(uint32_t crc, const char* at, size_t size) {
  return by_tables(crc, at, size);
}
#endif

}  // namespace

uint32_t crc32c(std::string_view bytes, uint32_t before) {
  static const auto run = has_instruction() ? &by_instruction : &by_tables;
  return ~run(~before, bytes.data(), bytes.size());
}

uint32_t crc32c_by_tables(std::string_view bytes, uint32_t before) {
  return ~by_tables(~before, bytes.data(), bytes.size());
}

uint32_t masked_crc32c(std::string_view bytes) { return std::rotr(crc32c(bytes), 15) + 0xA282EAD8; }

}  // namespace valley
