#include "valley/data/csv.h"

#include <csv.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "valley/core/error.h"
#include "valley/core/numbers.h"
#include "valley/data/bytes.h"

namespace valley {
namespace {

using Row = std::vector<std::string>;

std::string read_text(const std::string& path) {
  require_data_file(path, "");
  ByteReader reader(path);
  std::string text;
  constexpr int64_t kChunk = 1 << 20;
  for (auto bytes = reader.read(kChunk); !bytes.empty(); bytes = reader.read(kChunk))
    text.append(bytes.begin(), bytes.end());
  constexpr std::string_view kMark = "\xef\xbb\xbf";  // of UTF-8, as spreadsheets write it
  if (text.starts_with(kMark)) text.erase(0, kMark.size());
  return text;
}

unsigned char delimiter_of(std::string_view text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  for (const char delimiter : {',', ';', '\t'})
    if (line.find(delimiter) != line.npos) return static_cast<unsigned char>(delimiter);
  return ',';
}

class Parser {
 public:
  explicit Parser(unsigned char delimiter) {
    if (csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI) != 0) throw std::bad_alloc();
    csv_set_delim(&parser_, delimiter);
  }
  ~Parser() { csv_free(&parser_); }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  std::vector<Row> parse(std::string_view text, const std::string& path) {
    const bool good =
        csv_parse(&parser_, text.data(), text.size(), &field, &row, this) == text.size() &&
        csv_fini(&parser_, &field, &row, this) == 0;
    require(good, "{}: row {}: {}", path, rows_.size() + 1, csv_strerror(csv_error(&parser_)));
    return std::move(rows_);
  }

 private:
  static void field(void* text, size_t size, void* self) {
    static_cast<Parser*>(self)->row_.emplace_back(static_cast<const char*>(text), size);
  }
  static void row(int, void* self) {
    auto& parser = *static_cast<Parser*>(self);
    parser.rows_.push_back(std::exchange(parser.row_, {}));
  }

  csv_parser parser_ = {};
  Row row_;
  std::vector<Row> rows_;
};

}  // namespace

CsvTable read_csv(const std::string& path) {
  const std::string text = read_text(path);
  std::vector<Row> rows = Parser(delimiter_of(text)).parse(text, path);
  require(!rows.empty(), "{} holds no rows", path);
  CsvTable table;
  table.has_header = !std::all_of(rows[0].begin(), rows[0].end(), [](const std::string& field) {
    return field.empty() || parse_number<double>(field);
  });
  if (table.has_header) {
    table.names = rows[0];
    rows.erase(rows.begin());
  } else {
    for (size_t k = 1; k <= rows[0].size(); ++k) table.names.push_back(std::to_string(k));
  }
  require(!rows.empty(), "{} holds a header and no rows", path);
  std::set<std::string> seen;
  for (const std::string& name : table.names)
    require(seen.insert(name).second, "{}: two columns are named '{}'", path, name);
  for (size_t i = 0; i < rows.size(); ++i)
    require(rows[i].size() == table.names.size(), "{}: row {} has {} fields, the first {}", path,
            i + 1 + (table.has_header ? 1 : 0), rows[i].size(), table.names.size());
  table.rows = std::move(rows);
  return table;
}

}  // namespace valley
