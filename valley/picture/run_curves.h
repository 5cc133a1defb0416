#pragma once

#include <string>
#include <utility>
#include <vector>

namespace valley {

/// Writes curves.svg into `folder`: training loss, test score (their headline) and valley width of
/// the runs in the given folders, each under its label. Runs of one label share a colour.
void write_curves(const std::string& folder, const std::string& title,
                  const std::vector<std::pair<std::string, std::string>>& labels_and_runs);

}  // namespace valley
