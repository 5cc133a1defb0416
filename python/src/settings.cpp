#include "settings.h"

#include <algorithm>

#include "valley/core/error.h"

namespace py = pybind11;

namespace valley::python {
namespace {

bool part_of_key(char c) { return c == '-' || ('a' <= c && c <= 'z') || ('0' <= c && c <= '9'); }

SettingValue to_value(const std::string& key, const py::handle& object) {
  if (py::isinstance<py::bool_>(object)) return object.cast<bool>();
  if (py::isinstance<py::str>(object)) return object.cast<std::string>();
  if (py::hasattr(object, "__index__"))
    return py::int_(py::reinterpret_borrow<py::object>(object)).cast<int64_t>();
  if (py::hasattr(object, "__float__"))
    return py::float_(py::reinterpret_borrow<py::object>(object)).cast<double>();
  throw UsageError(fmt::format("{} must be a number, a text, True or False, got {}", Key{key},
                               py::repr(object).cast<std::string>()));
}

}  // namespace

std::string keyword(std::string key) {
  std::replace(key.begin(), key.end(), '-', '_');
  return key;
}

std::string with_keywords(const std::string& marked) {
  std::string text;
  for (size_t i = 0; i < marked.size();) {
    if (marked[i++] != kKeyMark) {
      text += marked[i - 1];
      continue;
    }
    const size_t begin = i;
    while (i < marked.size() && part_of_key(marked[i])) ++i;
    text += keyword(marked.substr(begin, i - begin));
  }
  return text;
}

MethodValues to_values(const py::dict& keywords) {
  MethodValues values;
  for (const auto& [name, object] : keywords) {
    if (object.is_none()) continue;
    std::string key = name.cast<std::string>();
    std::replace(key.begin(), key.end(), '_', '-');
    values.emplace_back(key, to_value(key, object));
  }
  return values;
}

py::object to_python(const SettingValue& value) {
  return std::visit([](const auto& v) -> py::object { return py::cast(v); }, value);
}

}  // namespace valley::python
