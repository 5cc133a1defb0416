#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "valley/instruments/sharpness.h"
#include "valley/record/json_file.h"

/// sharpness.json in a run folder.
namespace valley {

inline constexpr const char* kSharpnessFile = "sharpness.json";

/// What the file holds.
Json to_json(const SharpnessResult& result);

/// The result, and those measures of the file that were taken with the same options and that it
/// lacks. @throws IoError
void write_sharpness(const std::filesystem::path& file, const SharpnessResult& result);

/// The values in an earlier file, by measure; none where a measure had no meaning or no value.
/// Nothing if there is no file, if it is damaged, or if it was taken with other options.
using RecordedMeasures = std::vector<std::pair<std::string, std::optional<double>>>;
std::optional<RecordedMeasures> recorded_measures(const std::filesystem::path& file,
                                                  const SharpnessOptions& options);

}  // namespace valley
