#include "app/engine/class_tables.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "valley/picture/table.h"

namespace valley::app {
namespace {

constexpr size_t kMostColumns = 20;  // of a matrix on a screen

std::string matrix(const ClassAnswers& answers) {
  std::vector<Table::Column> columns = {{"class", Table::Align::kRight}};
  for (size_t c = 0; c < answers.counts.size(); ++c)
    columns.push_back({std::to_string(c), Table::Align::kRight});
  Table table(columns);
  for (size_t c = 0; c < answers.counts.size(); ++c) {
    std::vector<std::string> row = {std::to_string(c)};
    for (const int64_t count : answers.counts[c]) row.push_back(std::to_string(count));
    table.add_row(row);
  }
  return table.to_string();
}

}  // namespace

std::string class_name(const Dataset& data, size_t c) {
  return c < data.class_names.size() ? data.class_names[c] : std::to_string(c);
}

std::string class_tables(const ClassAnswers& answers, const Dataset& data) {
  Table table({{"class", Table::Align::kRight},
               {"name"},
               {"examples", Table::Align::kRight},
               {"accuracy %", Table::Align::kRight},
               {"most taken for"}});
  for (size_t c = 0; c < answers.counts.size(); ++c) {
    const int64_t examples = answers.of_class(c), other = answers.taken_for(c);
    table.add_row({std::to_string(c), class_name(data, c), std::to_string(examples),
                   examples > 0 ? fmt::format("{:.2f}", 100 * answers.accuracy(c)) : "",
                   other < 0 ? ""
                             : fmt::format("{} ({})", class_name(data, static_cast<size_t>(other)),
                                           answers.counts[c][static_cast<size_t>(other)])});
  }
  if (answers.counts.size() > kMostColumns) return table.to_string();
  return table.to_string() + "\nexamples of a row's class that got the column's answer:\n" +
         matrix(answers);
}

Json class_json(const ClassAnswers& answers, const Dataset& data) {
  Json result = {{"confusion", answers.counts}};
  for (size_t c = 0; c < answers.counts.size(); ++c)
    result["classes"].push_back({{"name", class_name(data, c)},
                                 {"examples", answers.of_class(c)},
                                 {"accuracy", finite_or_null(answers.accuracy(c))}});
  return result;
}

}  // namespace valley::app
