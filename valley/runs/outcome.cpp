#include "valley/runs/outcome.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "valley/core/error.h"
#include "valley/record/summary.h"

namespace valley {
namespace {

bool has_summary(const std::string& out) {
  return std::filesystem::exists(std::filesystem::path(out) / RunFolder::kSummary);
}

}  // namespace

Summary load_summary(const RunFolder& folder) {
  const Json json = read_summary(folder);
  try {
    return summary_from(json);
  } catch (const UsageError& error) {
    throw UsageError(damaged_summary(folder, error.marked()));
  }
}

std::optional<Summary> finished_outcome(const std::string& out) {
  if (!has_summary(out)) return std::nullopt;
  try {
    const Summary summary = load_summary(RunFolder::open(out));
    if (summary.status == RunState::Kind::kFinished) return summary;
  } catch (const UsageError&) {  // damaged: it is the checkpoints that say how far it came
  }
  return std::nullopt;
}

std::string damaged_summary_notice(const std::string& out) {
  if (!has_summary(out)) return "";
  try {
    load_summary(RunFolder::open(out));
    return "";
  } catch (const UsageError& error) {
    const std::string reason = error.what();
    return reason.substr(0, reason.rfind("; ")) + "; it is written anew";
  }
}

}  // namespace valley
