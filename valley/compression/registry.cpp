#include <stdexcept>

#include "valley/compression/compressor.h"
#include "valley/compression/none.h"
#include "valley/compression/quantise.h"
#include "valley/compression/sparse.h"

namespace valley {
namespace {

struct CompressorMaker {
  const char* name;
  std::unique_ptr<Compressor> (*make)(const CompressorSpec&);
};

constexpr CompressorMaker kCompressorMakers[] = {
    {"none", &make_none}, {"bf16", &make_bf16},   {"fp16", &make_fp16},        {"int8", &make_int8},
    {"sign", &make_sign}, {"top-k", &make_top_k}, {"random-k", &make_random_k}};

}  // namespace

std::unique_ptr<Compressor> make_compressor(const std::string& name_and_share) {
  const CompressorSpec spec = parse_compressor(name_and_share);
  for (const CompressorMaker& maker : kCompressorMakers) {
    if (maker.name == spec.entry->name) return maker.make(spec);
  }
  throw std::logic_error("no maker for the compressor " + spec.entry->name);
}

}  // namespace valley
