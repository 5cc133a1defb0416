#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "valley/data/dataset.h"
#include "valley/evaluation/class_answers.h"
#include "valley/record/json_file.h"

namespace valley::app {

/// Its name, or else its number.
std::string class_name(const Dataset& data, size_t c);

/// Of every class how many examples there are, how many of them are right, and what most of the
/// others are taken for; below it the confusion matrix, where it fits a screen.
std::string class_tables(const ClassAnswers& answers, const Dataset& data);

/// The same, the matrix always: a row a class, how often each answer was given.
Json class_json(const ClassAnswers& answers, const Dataset& data);

}  // namespace valley::app
