#pragma once

#include <pybind11/pybind11.h>

#include <string>

#include "valley/algorithms/table.h"

namespace valley::python {

/// A setting's key as a Python keyword: push-schedule is push_schedule.
std::string keyword(std::string key);

/// What an error says, with the keys of settings as Python keywords.
std::string with_keywords(const std::string& marked);

/// Keywords and their values as settings. None stands for the default.
/// @throws UsageError for a value of a type that no setting has.
MethodValues to_values(const pybind11::dict& keywords);

pybind11::object to_python(const SettingValue& value);

}  // namespace valley::python
