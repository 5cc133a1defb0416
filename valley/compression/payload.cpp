#include "valley/compression/payload.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "valley/core/error.h"
#include "valley/core/names.h"

namespace valley {
namespace {

int64_t as_they_are(double, int64_t d, int64_t element_size) { return d * element_size; }
int64_t halves(double, int64_t d, int64_t) { return 2 * d; }
int64_t int8s(double, int64_t d, int64_t) {
  return d + (d + kInt8Block - 1) / kInt8Block * kScaleBytes;
}
int64_t signs(double, int64_t d, int64_t) { return kScaleBytes + (d + 7) / 8; }
int64_t top_k(double share, int64_t d, int64_t element_size) {
  return count_of(share, d) * (place_size(d) + element_size);
}
int64_t random_k(double share, int64_t d, int64_t element_size) {
  return int64_t(sizeof(uint64_t)) + count_of(share, d) * element_size;
}

}  // namespace

const std::vector<CompressorEntry>& compressors() {
  static const std::vector<CompressorEntry> table = {
      {"none", "everything as it is", "4 d (float64: 8 d)", false, &as_they_are, true},
      {"bf16", "rounded to bfloat16", "2 d", false, &halves, true},
      {"fp16", "rounded to half precision", "2 d", false, &halves, true},
      {"int8", "8 bits a value, a scale for every 256", "d + d / 64", false, &int8s, true},
      {"sign", "signs with the mean modulus", "d / 8 + 4", false, &signs},
      {"top-k", "the share of largest modulus", "8 k (float64: 12 k)", true, &top_k},
      {"random-k", "a random share", "4 k + 8 (float64: 8 k + 8)", true, &random_k},
  };
  return table;
}

CompressorSpec parse_compressor(const std::string& name_and_share, Key key) {
  const size_t colon = name_and_share.find(':');
  const std::string name = name_and_share.substr(0, colon);
  std::vector<std::string> known;
  for (const CompressorEntry& entry : compressors()) {
    known.push_back(entry.name);
    if (entry.name != name) continue;
    const bool given = colon != std::string::npos;
    if (!entry.takes_share) {
      require(!given, "{} {} takes nothing after a colon, got '{}'", key, name, name_and_share);
      return {&entry};
    }
    require(given, "{0} {1} needs the share that is sent: {1}:0.1", key, name);
    const std::string text = name_and_share.substr(colon + 1);
    char* end = nullptr;
    const double share = std::strtod(text.c_str(), &end);
    require(!text.empty() && *end == '\0' && 0 < share && share <= 1,
            "{} {}: the share must be in (0, 1], got '{}'", key, name, text);
    return {&entry, share};
  }
  throw UsageError(unknown_name("compressor", name, known));
}

void check_compressor(const std::string& name_and_share) { parse_compressor(name_and_share); }

void check_compress_rounds(const std::string& name_and_share) {
  parse_compressor(name_and_share, {"compress-rounds"});
}

int64_t payload_bytes(const std::string& name_and_share, int64_t d, int64_t element_size) {
  const CompressorSpec spec = parse_compressor(name_and_share);
  return spec.entry->payload(spec.share, d, element_size);
}

int64_t count_of(double share, int64_t d) {
  return std::min(d, static_cast<int64_t>(std::ceil(share * static_cast<double>(d))));
}

}  // namespace valley
