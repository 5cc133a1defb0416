#include "valley/record/summary.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "valley/core/error.h"

namespace valley {

void write_summary(const RunFolder& folder, const Json& summary) {
  write_json(folder.file(RunFolder::kSummary), summary);
}

Json read_summary(const RunFolder& folder) {
  const auto path = folder.file(RunFolder::kSummary);
  require(std::filesystem::exists(path), "{} has no {}: the run has not ended; --resume {} goes on",
          folder.path().string(), RunFolder::kSummary, folder.path().string());
  Json summary;
  try {
    summary = read_json(path);
    require(summary.is_object(), "{} is no JSON object", path.string());
  } catch (const UsageError& error) {
    throw UsageError(damaged_summary(folder, error.what()));
  }
  return summary;
}

std::string damaged_summary(const RunFolder& folder, const std::string& reason) {
  return fmt::format("{}; valley train --resume {} writes it anew from the last checkpoint", reason,
                     folder.path().string());
}

}  // namespace valley
