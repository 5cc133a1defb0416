#pragma once

#include <string>
#include <vector>

#include "valley/record/json_file.h"

namespace valley {

/// study.json, which `valley study` writes, in the shape the page draws; null without a list of
/// runs.
///
///     name, until_loss
///     axes     [] the settings that vary, without the seed
///     groups   [] values of the first setting, by which the points are coloured: "lr 0.01"
///     ranking  [{measure, small_is_sharp, tau, standard_error, granulated, granulated_error,
///              by_axis: [], runs}], in the order of the file; by_axis has one for each of `axes`,
///              null where there is none
///     runs     [{name, group, gap, values: {measure: value}}] those that were ranked
///     others   [{name, status, train_loss}] those that were not: diverged, or short of the loss
Json study_of(const Json& file, const std::string& name);

/// The studies among the folders of a report, those without a study.json left out. For a damaged
/// one `damages` says what to do.
std::vector<Json> read_studies(const std::vector<std::string>& folders,
                               std::vector<std::string>& damages);

}  // namespace valley
