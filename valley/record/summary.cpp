#include "valley/record/summary.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "valley/core/checksum.h"
#include "valley/core/error.h"

namespace valley {

Json read_summary(const RunFolder& folder) {
  const auto path = folder.file(RunFolder::kSummary);
  require(std::filesystem::exists(path), "{} has no {}: the run has not ended; {} {} goes on",
          folder.path().string(), RunFolder::kSummary, Key{"resume"}, folder.path().string());
  try {
    Json summary = read_json(path);
    if (!summary.is_object()) throw DamagedFile(path.string() + " is no JSON object");
    return summary;
  } catch (const DamagedFile& error) {
    throw DamagedFile(damaged_summary(folder, error.what()));
  }
}

std::string damaged_summary(const RunFolder& folder, const std::string& reason) {
  return fmt::format("{}; valley train --resume {} writes it anew from the last checkpoint", reason,
                     folder.path().string());
}

}  // namespace valley
