#include <cstdlib>

#include "valley/compression/compressor.h"
#include "valley/compression/none.h"
#include "valley/compression/quantise.h"
#include "valley/compression/sparse.h"
#include "valley/core/error.h"
#include "valley/core/names.h"

namespace valley {

const std::vector<CompressorEntry>& compressors() {
  using enum CompressorEntry::Argument;
  static const std::vector<CompressorEntry> table = {
      {"none", "everything as it is", "4 d (float64: 8 d)", kNone, &make_none},
      {"bf16", "rounded to bfloat16", "2 d", kNone, &make_bf16},
      {"fp16", "rounded to half precision", "2 d", kNone, &make_fp16},
      {"int8", "8 bits a value, a scale for every 256", "d + d / 64", kNone, &make_int8},
      {"sign", "signs with the mean modulus", "d / 8 + 4", kNone, &make_sign},
      {"top-k", "the share of largest modulus", "8 k (float64: 12 k)", kFraction, &make_top_k},
      {"random-k", "a random share", "4 k + 8 (float64: 8 k + 8)", kFraction, &make_random_k},
  };
  return table;
}

std::unique_ptr<Compressor> make_compressor(const std::string& name_and_argument) {
  const size_t colon = name_and_argument.find(':');
  const std::string name = name_and_argument.substr(0, colon);
  std::vector<std::string> known;
  for (const CompressorEntry& entry : compressors()) {
    known.push_back(entry.name);
    if (entry.name != name) continue;
    const bool given = colon != std::string::npos;
    if (entry.argument == CompressorEntry::Argument::kNone) {
      require(!given, "--compress {} takes nothing after a colon, got '{}'", name,
              name_and_argument);
      return entry.make(1);
    }
    require(given, "--compress {} needs the share that is sent: {}:0.1", name, name);
    const std::string text = name_and_argument.substr(colon + 1);
    char* end = nullptr;
    const double fraction = std::strtod(text.c_str(), &end);
    require(!text.empty() && *end == '\0' && 0 < fraction && fraction <= 1,
            "--compress {}: the share must be in (0, 1], got '{}'", name, text);
    return entry.make(fraction);
  }
  throw UsageError(unknown_name("compressor", name, known));
}

}  // namespace valley
