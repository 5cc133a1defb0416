#include <nlohmann/json.hpp>

#include "tests/fuzz/fuzzer.h"
#include "valley/record/metrics.h"

using namespace valley;

// What one reads, and what a run goes on from, which can be read.
VALLEY_FUZZER(metrics) {
  static const TestFolder folder;
  static const std::filesystem::path file = folder / "metrics.jsonl";
  spill(file, std::string(bytes));
  const bool whole = fuzz::taken([] { read_metrics(file); });
  if (fuzz::taken([] { MetricsWriter::resume(file, 10); })) read_metrics(file);
  std::filesystem::remove(folder / "metrics.jsonl.damaged");
  return whole;
}
