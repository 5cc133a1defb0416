#pragma once

#include <string>
#include <vector>

namespace valley {

/// A table of texts: RFC 4180 as libcsv reads it, gzipped or not. The delimiter is a comma, or,
/// where the first line has none, a semicolon or a tab.
struct CsvTable {
  std::vector<std::string> names;              ///< of the columns
  bool has_header = true;                      ///< else the names are "1", "2", ...
  std::vector<std::vector<std::string>> rows;  ///< each as long as `names`
};

/// The first row is a header unless all its fields are numbers or empty. Blank lines are nothing.
/// @throws UsageError with the file and the row: one of another length, a quote that is not closed
///     or stands within a field, two columns of one name, no rows.
CsvTable read_csv(const std::string& path);

}  // namespace valley
