#include "valley/report/measures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "valley/report/json_parts.h"
#include "valley/report/statistics.h"

namespace valley {
namespace {

std::string text(const Json& object, std::initializer_list<const char*> keys,
                 const std::string& otherwise = "") {
  for (const char* key : keys) {
    const Json* found = find_part(object, key);
    if (found && found->is_string()) return found->get<std::string>();
  }
  return otherwise;
}

// Numbers, or null for what is none.
Json numbers(const Json& list) {
  Json result = Json::array();
  for (const Json& value : list) {
    result.push_back(value.is_number() ? Json(shortened(value.get<double>())) : Json(nullptr));
  }
  return result;
}

bool is_list_of(const Json* list, size_t size) {
  return list && list->is_array() && list->size() == size;
}

bool is_grid(const Json* grid, size_t rows, size_t columns) {
  return is_list_of(grid, rows) && std::all_of(grid->begin(), grid->end(), [&](const Json& row) {
           return is_list_of(&row, columns);
         });
}

Json grid(const Json& rows) {
  Json result = Json::array();
  for (const Json& row : rows) result.push_back(numbers(row));
  return result;
}

Json measure(const std::string& name, const Json& entry) {
  Json result = {{"name", name}};
  const Json* value = entry.is_object() ? find_part(entry, "value") : &entry;
  if (!value || !(value->is_number() || value->is_null())) return nullptr;
  result["value"] = *value;
  if (const Json* error = find_part(entry, "standard_error"); error && error->is_number()) {
    result["standard_error"] = *error;
  }
  if (const auto unit = text(entry, {"unit"}); !unit.empty()) result["unit"] = unit;
  if (const auto note = text(entry, {"notes", "note"}); !note.empty()) result["note"] = note;
  return result;
}

// A list of {name, value, ...}, or an object {name: value} or {name: {value, ...}}.
Json measures(const Json& table) {
  Json result = Json::array();
  if (table.is_array()) {
    for (const Json& row : table) {
      Json entry = row.is_object() ? measure(text(row, {"name", "measure"}), row) : Json();
      if (!entry.is_null() && entry["name"] != "") result.push_back(std::move(entry));
    }
  } else if (table.is_object()) {
    for (const auto& [name, row] : table.items()) {
      Json entry = measure(name, row);
      if (!entry.is_null()) result.push_back(std::move(entry));
    }
  }
  return result;
}

// A density over a grid, whatever the two are called.
Json density_of(const Json& object) {
  for (const char* x : {"at", "eigenvalue", "eigenvalues", "grid"}) {
    for (const char* y : {"eigenvalues_share", "density"}) {
      const Json *grid = find_part(object, x), *density = find_part(object, y);
      if (grid && grid->is_array() && !grid->empty() && is_list_of(density, grid->size())) {
        return {{"eigenvalue", numbers(*grid)},
                {"density", numbers(*density)},
                {"width", part(object, "width")}};
      }
    }
  }
  return nullptr;
}

// What decides the outcome; how many examples were taken says more than how many were asked for.
std::string how_measured(const Json& file) {
  std::string text;
  if (const Json* examples = find_part(file, "examples"); examples && examples->is_number())
    text = fmt::format("{} examples", examples->get<int64_t>());
  if (const Json* options = find_part(file, "options"); options && options->is_object()) {
    for (const auto& [key, value] : options->items()) {
      if (key == "samples" || key == "memory") continue;
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", key,
                          value.is_string() ? value.get<std::string>() : value.dump());
    }
  }
  return text;
}

// Beside the measures, or in the measure that found it.
Json spectrum(const Json& file) {
  if (const Json* found = find_part(file, "spectrum")) return density_of(*found);
  if (const Json* table = find_part(file, "measures"); table && table->is_object()) {
    for (const Json& one : *table) {
      const Json* found = find_part(one, "density");
      if (Json density = found ? density_of(*found) : Json(); !density.is_null()) return density;
    }
  }
  return nullptr;
}

struct Panels {
  std::vector<std::string> order;
  std::map<std::string, Json> series;

  void add(const std::string& panel, Json one) {
    if (!series.contains(panel)) order.push_back(panel);
    auto& list = series[panel];
    if (list.is_null()) list = Json::array();
    list.push_back(std::move(one));
  }

  Json to_json(const std::string& x_label) const {
    if (order.empty()) return nullptr;
    Json panels = Json::array();
    for (const auto& title : order) {
      panels.push_back({{"title", title}, {"x_label", x_label}, {"series", series.at(title)}});
    }
    return {{"panels", std::move(panels)}};
  }
};

Json from_series(const Json& list, const std::string& x_label) {
  Panels panels;
  for (const Json& one : list) {
    const Json *x = find_part(one, "x"), *y = find_part(one, "y");
    if (!x || !x->is_array() || !is_list_of(y, x->size()) || x->empty()) continue;
    const std::string name = text(one, {"name"}, "series");
    panels.add(text(one, {"panel", "unit"}, name),
               {{"name", name}, {"x", numbers(*x)}, {"y", numbers(*y)}});
  }
  return panels.to_json(x_label);
}

// The first column is x; every other one is a panel.
Json from_columns(const std::vector<std::pair<std::string, Json>>& columns) {
  Panels panels;
  for (size_t i = 1; i < columns.size(); ++i) {
    const auto& [name, y] = columns[i];
    const bool any = std::any_of(y.begin(), y.end(), [](const Json& v) { return v.is_number(); });
    if (any) panels.add(name, {{"name", name}, {"x", columns[0].second}, {"y", y}});
  }
  return panels.to_json(columns.empty() ? "" : columns[0].first);
}

void copy_number(const Json& from, const char* key, Json& to, const char* name) {
  const Json& value = part(from, key);
  if (value.is_number()) to[name] = shortened(value.get<double>());
}

// {value, standard_error}, the latter only where it is a number.
void copy_estimate(const Json& from, const char* key, Json& to, const char* name) {
  Json estimate = Json::object();
  copy_number(part(from, key), "value", estimate, "value");
  if (estimate.empty()) return;
  copy_number(part(from, key), "standard_error", estimate, "standard_error");
  to[name] = std::move(estimate);
}

// The first of a list.
Json beginning(const Json& list, size_t most) {
  if (!list.is_array()) return Json::array();
  return Json(list.begin(), list.begin() + static_cast<ptrdiff_t>(std::min(list.size(), most)));
}

Json spread_figures(const Json& spread, size_t most_workers) {
  Json result = Json::object();
  const Json& distances = part(spread, "distances");
  if (!distances.is_array() || distances.empty()) return result;
  copy_number(spread, "consensus_distance", result, "consensus_distance");
  copy_number(spread, "sigma_w_squared", result, "sigma_w_squared");
  result["workers"] = distances.size();
  result["distances"] = numbers(beginning(distances, most_workers));
  const Json& losses = part(spread, "losses");
  if (is_list_of(&losses, distances.size())) {
    result["losses"] = numbers(beginning(losses, most_workers));
  }
  // One worker, or all at the average, has none.
  const Json& angles = part(spread, "angles");
  if (distances.size() > 1 && is_grid(&angles, distances.size(), distances.size())) {
    Json rows = Json::array();
    for (const Json& row : beginning(angles, most_workers)) {
      Json degrees = numbers(beginning(row, most_workers));
      for (Json& angle : degrees) {
        if (angle.is_number()) angle = std::round(10 * angle.get<double>()) / 10;
      }
      rows.push_back(std::move(degrees));
    }
    result["angles"] = std::move(rows);
  }
  return result;
}

Json smoothed_figures(const Json& smoothed) {
  Json result = Json::object();
  copy_estimate(smoothed, "smoothed_loss", result, "loss");
  if (result.empty()) return result;
  copy_number(smoothed, "sigma", result, "sigma");
  result["curvatures"] = Json::array();
  const Json& curvature = part(smoothed, "curvature");
  for (const auto& [key, name] : {std::pair{"along_gradient", "along the gradient"},
                                  {"towards_workers", "towards workers"}}) {
    const Json& found = part(curvature, key);
    Json one = {{"name", name}};
    copy_number(found, "of_loss", one, "of_loss");
    copy_estimate(found, "of_smoothed_loss", one, "of_smoothed_loss");
    copy_number(found, "bound", one, "bound");
    if (one.contains("of_smoothed_loss")) result["curvatures"].push_back(std::move(one));
  }
  return result;
}

}  // namespace

Json landscape_of(const Json& file) {
  const Json *x = find_part(file, "x"), *y = find_part(file, "y"), *loss = find_part(file, "loss");
  if (!x || !y || !x->is_array() || !y->is_array() || x->size() < 2 || y->size() < 2 ||
      !is_grid(loss, y->size(), x->size())) {
    return nullptr;
  }
  Json result = {{"plane", text(file, {"plane"}, "plane")},
                 {"split", text(file, {"split"})},
                 {"x", numbers(*x)},
                 {"y", numbers(*y)},
                 {"loss", grid(*loss)},
                 {"points", Json::array()}};
  if (const Json* samples = find_part(file, "samples"); samples && samples->is_number()) {
    result["samples"] = *samples;
  }
  if (const Json* axes = find_part(file, "axes");
      is_list_of(axes, 2) && axes->at(0).is_string() && axes->at(1).is_string()) {
    result["axes"] = *axes;
  }
  if (const Json* error = find_part(file, "error"); is_grid(error, y->size(), x->size())) {
    result["error"] = grid(*error);
  }
  const Json* points = find_part(file, "points");
  if (points && points->is_array()) {
    for (const Json& point : *points) {
      const Json *px = find_part(point, "x"), *py = find_part(point, "y"),
                 *height = find_part(point, "loss");
      if (!px || !py || !px->is_number() || !py->is_number()) continue;
      Json one = {{"name", text(point, {"name"}, "point")}, {"x", *px}, {"y", *py}};
      if (height && height->is_number()) one["loss"] = *height;
      const Json* off = find_part(point, "off_plane");
      if (off && off->is_number()) one["off_plane"] = *off;
      result["points"].push_back(std::move(one));
    }
  }
  return result;
}

Json classes_of(const Json& file) {
  const Json *classes = find_part(file, "classes"), *confusion = find_part(file, "confusion");
  if (!classes || !classes->is_array() || classes->empty()) return nullptr;
  if (!is_grid(confusion, classes->size(), classes->size())) return nullptr;
  Json result = {{"classes", Json::array()}, {"confusion", grid(*confusion)}};
  for (const Json& one : *classes) {
    const Json* examples = find_part(one, "examples");
    if (!examples || !examples->is_number()) return nullptr;
    result["classes"].push_back({{"name", text(one, {"name"}, "?")}, {"examples", *examples}});
  }
  return result;
}

Json robust_of(const Json& file) {
  const Json *attack = find_part(file, "attack"), *examples = find_part(file, "examples");
  const Json *clean = find_part(file, "clean"), *robust = find_part(file, "robust");
  if (!attack || !attack->is_string() || !examples || !examples->is_number()) return nullptr;
  if (!clean || !robust || !robust->is_object() || robust->empty()) return nullptr;
  Json result = {{"attack", *attack}, {"examples", *examples}, {"scores", Json::array()}};
  for (const auto& [name, value] : robust->items()) {
    const Json* before = find_part(*clean, name.c_str());
    if (!before) return nullptr;
    result["scores"].push_back({{"name", name}, {"clean", *before}, {"robust", value}});
  }
  return result;
}

Json sharpness_of(const Json& file) {
  if (!file.is_object()) return nullptr;
  Json result = Json::object();
  if (const Json* table = find_part(file, "measures")) {
    if (Json list = measures(*table); !list.empty()) result["measures"] = std::move(list);
  }
  if (Json density = spectrum(file); !density.is_null()) {
    const Json &parameters = part(file, "parameters"), &width = density["width"];
    if (parameters.is_number() && width.is_number()) {
      const double bumps = width.get<double>() * parameters.get<double>();
      if (bumps > 0) density["floor"] = shortened(0.1 / (std::sqrt(2 * M_PI) * bumps));
    }
    density.erase("width");
    result["spectrum"] = std::move(density);
  }
  if (result.empty()) return nullptr;
  if (const std::string how = how_measured(file); !how.empty()) result["how"] = how;
  return result;
}

Json dynamics_of(const Json& file) {
  const Json *series = find_part(file, "series"), *columns = find_part(file, "columns"),
             *rows = find_part(file, "rows");
  if (series && series->is_array()) return from_series(*series, text(file, {"x_label"}, "step"));
  if (!columns) return nullptr;
  std::vector<std::pair<std::string, Json>> table;
  if (columns->is_object()) {
    for (const auto& [name, values] : columns->items()) {
      if (values.is_array() && (table.empty() || values.size() == table[0].second.size())) {
        table.emplace_back(name, numbers(values));
      }
    }
  } else if (columns->is_array() && rows && rows->is_array() && !rows->empty() &&
             is_grid(rows, rows->size(), columns->size())) {
    for (size_t c = 0; c < columns->size(); ++c) {
      if (!columns->at(c).is_string()) return nullptr;
      Json values = Json::array();
      for (const Json& row : *rows) values.push_back(row.at(c));
      table.emplace_back(columns->at(c).get<std::string>(), numbers(values));
    }
  }
  return from_columns(table);
}

Json noise_of(const Json& file, size_t most_workers) {
  Json result = Json::object();
  if (Json spread = spread_figures(part(file, "spread"), most_workers); !spread.empty()) {
    result["spread"] = std::move(spread);
  }
  const Json& rate = part(file, "effective_rate");
  Json rates = Json::object(), noise = Json::object();
  copy_estimate(rate, "alpha_e_over_alpha", rates, "total");
  copy_estimate(rate, "alpha_e_over_alpha_of_spread", rates, "of_spread");
  copy_estimate(rate, "delta_over_alpha_squared", noise, "total");
  copy_estimate(rate, "delta_of_zeta_s", noise, "of_batches");
  copy_estimate(rate, "delta_of_zeta_2", noise, "of_spread");
  copy_estimate(rate, "delta_of_both", noise, "of_both");
  if (!rates.empty()) result["rate"] = std::move(rates);
  if (!noise.empty()) result["noise"] = std::move(noise);
  if (Json smoothed = smoothed_figures(part(file, "smoothed")); !smoothed.empty()) {
    result["smoothed"] = std::move(smoothed);
  }
  if (result.empty()) return nullptr;
  copy_number(file, "loss", result, "loss");
  copy_number(part(file, "gradient"), "norm", result, "gradient_norm");
  result["notes"] = Json::array();
  for (const Json& note : part(file, "notes")) {
    if (note.is_string()) result["notes"].push_back(note);
  }
  return result;
}

}  // namespace valley
