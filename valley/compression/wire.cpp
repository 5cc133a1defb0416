// What the mean of the workers can be said by.
#include <algorithm>
#include <string_view>

#include "valley/compression/payload.h"
#include "valley/core/error.h"
#include "valley/core/names.h"
#include "valley/core/numbers.h"

namespace valley {
namespace {

const std::string kPowersgd = "powersgd";

}  // namespace

void check_wire(const std::string& wire) {
  if (powersgd_rank(wire)) return;
  const std::string name = wire.substr(0, wire.find(':'));
  std::vector<std::string> known;
  for (const CompressorEntry& entry : compressors()) known.push_back(entry.name);
  if (std::find(known.begin(), known.end(), name) != known.end()) {
    parse_compressor(wire, {"wire"});
    return;
  }
  known.emplace_back(kPowersgd + "-RANK");
  throw UsageError(unknown_name("wire", wire, known));
}

bool close_wire(const std::string& wire) {
  return !powersgd_rank(wire) && parse_compressor(wire, {"wire"}).entry->close;
}

void check_rounding_wire(const std::string& method, const std::string& wire) {
  check_wire(wire);
  require(close_wire(wire) && wire != "int8",
          "{} {} is for means of all workers alike: {} has none, bf16 and fp16", Key{"wire"}, wire,
          method);
}

std::optional<int64_t> powersgd_rank(const std::string& wire) {
  if (!wire.starts_with(kPowersgd)) return std::nullopt;
  const std::string_view rank = std::string_view(wire).substr(kPowersgd.size());
  const auto number = rank.starts_with('-') ? parse_number<int64_t>(rank.substr(1)) : std::nullopt;
  require(number && *number >= 1, "{} {} must be {}-RANK, a rank from 1 on: {}-4, say", Key{"wire"},
          wire, kPowersgd, kPowersgd);
  return number;
}

int64_t powersgd_values(int64_t rank, const std::vector<MatrixShape>& shapes) {
  int64_t values = 0;
  for (const MatrixShape& s : shapes)
    values += sent_as_factors(rank, s) ? rank * (s.rows + s.columns) : s.rows * s.columns;
  return values;
}

int64_t wire_bytes(const std::string& wire, int64_t d, int64_t element_size, int64_t workers) {
  return workers * payload_bytes(wire, (d + workers - 1) / workers, element_size);
}

}  // namespace valley
