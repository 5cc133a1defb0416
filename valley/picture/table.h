#pragma once

#include <string>
#include <vector>

namespace valley {

/// Aligned columns of text under a ruled header.
///
///     Table table({{"algorithm"}, {"accuracy", Table::Align::kRight}});
///     table.add_row({"dppf", "87.9 ± 0.1"});
///     std::cout << table.to_string();
class Table {
 public:
  enum class Align { kLeft, kRight };

  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };

  explicit Table(std::vector<Column> columns);

  /// Cells left out at the end are empty. @throws std::logic_error if there are too many.
  void add_row(std::vector<std::string> cells);

  /// Lines that end in a newline and in no blanks; columns are two blanks apart.
  std::string to_string() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace valley
