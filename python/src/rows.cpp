#include <pybind11/stl.h>

#include "bindings.h"
#include "settings.h"
#include "valley/core/error.h"

namespace py = pybind11;

namespace valley::python {
namespace {

py::dict described(const Setting& setting) {
  py::dict d;
  d["keyword"] = keyword(setting.key);
  d["type"] = std::string(name(setting.type));
  d["default"] = to_python(setting.get());
  std::string help = with_keys(setting.help, std::string(1, kKeyMark));
  d["help"] = with_keywords(help);
  d["choices"] = setting.choices;
  std::vector<py::object> refused;
  for (const SettingValue& value : setting.refused) refused.push_back(to_python(value));
  d["refused"] = refused;
  return d;
}

py::dict described(const AlgorithmEntry& entry) {
  py::dict d;
  d["name"] = entry.name;
  d["summary"] = entry.summary;
  d["cost"] = with_keywords(with_keys(entry.cost, std::string(1, kKeyMark)));
  d["asynchronous"] = entry.asynchronous;
  d["needs_gradient"] = entry.needs.gradient;
  d["needs_loss"] = entry.needs.loss;
  d["needs_another_gradient"] = entry.needs.another_gradient;
  AlgorithmOptions defaults = entry.defaults;
  py::list settings;
  for (const Setting& setting : defaults.settings()) settings.append(described(setting));
  d["settings"] = settings;
  return d;
}

}  // namespace

void bind_rows(py::module_& m) {
  m.def("methods", [] {
    py::list rows;
    for (const AlgorithmEntry& entry : algorithms()) rows.append(described(entry));
    return rows;
  });
}

}  // namespace valley::python
