#include "valley/data/table_data.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <map>
#include <memory>
#include <numeric>

#include "valley/core/error.h"
#include "valley/core/names.h"
#include "valley/core/numbers.h"
#include "valley/core/shuffle.h"
#include "valley/data/csv.h"
#include "valley/data/notes.h"
#include "valley/data/statistics.h"

namespace valley {
namespace {

namespace fs = std::filesystem;
using Row = std::vector<std::string>;

constexpr size_t kMostTexts = 1000;

bool is_missing(const std::string& field) {
  static constexpr std::array<std::string_view, 6> kMissing = {"", "na", "n/a", "nan", "null", "?"};
  std::string lower = field;
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower == "none" || std::find(kMissing.begin(), kMissing.end(), lower) != kMissing.end();
}

std::optional<double> number_in(const std::string& field) {
  const auto value = parse_number<double>(field.starts_with('+') ? field.substr(1) : field);
  return value && is_finite_float(*value) ? value : std::nullopt;
}

// Rows with where they stand.
struct TablePart {
  std::string path = {};
  std::vector<Row> rows = {};
  std::vector<size_t> lines = {};  // of each, as read_csv() counts them
};

struct Tables {
  std::vector<std::string> names;
  TablePart train, test;
};

TablePart table_part(const std::string& path, CsvTable table) {
  TablePart part{.path = path, .rows = std::move(table.rows), .lines = {}};
  part.lines.resize(part.rows.size());
  std::iota(part.lines.begin(), part.lines.end(), table.has_header ? 2 : 1);
  return part;
}

Tables split_file(const std::string& path, uint64_t seed) {
  const CsvTable table = read_csv(path);
  const TablePart all = table_part(path, table);
  require(all.rows.size() >= 2, "{} has one row, of which none can be held out to test", path);
  std::vector<size_t> order(all.rows.size());
  std::iota(order.begin(), order.end(), size_t{0});
  Random random(derive_seed(seed, 0, "held-out"));
  shuffle(order, random);
  const size_t held_out = std::max<size_t>(1, order.size() / 5);
  std::sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(held_out));
  std::sort(order.begin() + static_cast<std::ptrdiff_t>(held_out), order.end());
  Tables result{.names = table.names, .train = {.path = path}, .test = {.path = path}};
  for (size_t i = 0; i < order.size(); ++i) {
    TablePart& part = i < held_out ? result.test : result.train;
    part.rows.push_back(all.rows[order[i]]);
    part.lines.push_back(all.lines[order[i]]);
  }
  add_data_note(
      fmt::format("{}: a fifth of the rows, {}, is held out as the test set", path, held_out));
  return result;
}

Tables read_folder(const fs::path& folder) {
  const auto file = [&](const std::string& name) {
    const fs::path path = folder / (name + ".csv"), packed = folder / (name + ".csv.gz");
    require(
        fs::exists(path) || fs::exists(packed),
        "data file {}(.gz) is missing; table:PATH takes a .csv file, or a folder with train.csv "
        "and test.csv",
        path.string());
    return (fs::exists(path) ? path : packed).string();
  };
  const std::string train = file("train"), test = file("test");
  CsvTable first = read_csv(train), second = read_csv(test);
  require(first.names == second.names, "{} has the columns {}, but {} {}", train,
          fmt::join(first.names, ", "), test, fmt::join(second.names, ", "));
  Tables result{.names = first.names, .train = {}, .test = {}};
  result.train = table_part(train, std::move(first));
  result.test = table_part(test, std::move(second));
  return result;
}

Tables read_tables(const std::string& path, uint64_t seed) {
  std::error_code error;
  return fs::is_directory(path, error) ? read_folder(path) : split_file(path, seed);
}

void leave_out_rows_without(TablePart& part, size_t target, const std::string& name) {
  size_t kept = 0;
  for (size_t i = 0; i < part.rows.size(); ++i) {
    if (is_missing(part.rows[i][target])) continue;
    std::swap(part.rows[kept], part.rows[i]);
    std::swap(part.lines[kept++], part.lines[i]);
  }
  const size_t left_out = part.rows.size() - kept;
  require(kept > 0, "{}: no row has a target, column '{}'", part.path, name);
  part.rows.resize(kept);
  part.lines.resize(kept);
  if (left_out > 0)
    add_data_note(fmt::format("{}: {} left out, without the target '{}'", part.path,
                              left_out == 1 ? "1 row was" : fmt::format("{} rows were", left_out),
                              name));
}

// The features that a column becomes.
class Column {
 public:
  Column(const Tables& tables, size_t place) : place_(place), name_(tables.names[place]) {
    for (const TablePart* part : {&tables.train, &tables.test})
      for (const Row& row : part->rows)
        numeric_ &= is_missing(row[place]) || number_in(row[place]).has_value();
    if (numeric_) {
      learn_numbers(tables.train);
      return;
    }
    for (const Row& row : tables.train.rows) texts_.emplace(row[place], texts_.size());
    require(
        texts_.size() <= kMostTexts,
        "{}: the column '{}' has {} different texts, at most {} can be told apart; leave it out, "
        "or write numbers",
        tables.train.path, name_, texts_.size(), kMostTexts);
    size_t next = 0;  // in their order, not in that of the rows
    for (auto& [text, index] : texts_) index = next++;
  }

  size_t features() const { return numeric_ ? 1 : texts_.size(); }

  void add_statistics(std::vector<float>& mean, std::vector<float>& stddev) const {
    mean.insert(mean.end(), features(), numeric_ ? static_cast<float>(mean_) : 0.0f);
    stddev.insert(stddev.end(), features(), numeric_ ? static_cast<float>(deviation_) : 1.0f);
  }

  // Into the zeros of a row's features.
  void write(const Row& row, float* features) const {
    const std::string& field = row[place_];
    if (numeric_) {
      *features = static_cast<float>(is_missing(field) ? mean_ : *number_in(field));
    } else if (const auto found = texts_.find(field); found != texts_.end()) {
      features[found->second] = 1;
    }
  }

  size_t place() const { return place_; }

  /// @throws UsageError for a text among numbers, which rows that were not there have at most.
  void check(const TablePart& part) const {
    for (size_t i = 0; numeric_ && i < part.rows.size(); ++i) {
      const std::string& field = part.rows[i][place_];
      require(is_missing(field) || number_in(field), "{}: row {}: '{}' is '{}', expected a number",
              part.path, part.lines[i], name_, field);
    }
  }

  void note(const TablePart& part) const {
    const auto count = [&](auto&& counts) {
      return std::count_if(part.rows.begin(), part.rows.end(), counts);
    };
    const auto missing = count([&](const Row& row) { return numeric_ && is_missing(row[place_]); });
    if (missing > 0)
      add_data_note(fmt::format("{}: {} of {} numbers of '{}' are missing: taken as the mean, {}",
                                part.path, missing, part.rows.size(), name_, mean_));
    const auto unseen =
        count([&](const Row& row) { return !numeric_ && texts_.count(row[place_]) == 0; });
    if (unseen > 0)
      add_data_note(fmt::format("{}: {} rows have texts of '{}' that no training row has",
                                part.path, unseen, name_));
  }

 private:
  void learn_numbers(const TablePart& train) {
    Moments known;
    for (const Row& row : train.rows)
      if (const auto value = number_in(row[place_])) known.add(*value);
    mean_ = known.mean();
    deviation_ = known.deviation();
  }

  size_t place_;
  std::string name_;
  bool numeric_ = true;
  double mean_ = 0, deviation_ = 1;
  std::map<std::string, size_t> texts_;
};

at::Tensor features_of(const TablePart& part, const std::vector<Column>& columns) {
  int64_t features = 0;
  for (const Column& column : columns) features += static_cast<int64_t>(column.features());
  const at::Tensor inputs =
      at::zeros({static_cast<int64_t>(part.rows.size()), features, 1, 1}, at::kFloat);
  float* to = inputs.data_ptr<float>();
  for (const Row& row : part.rows)
    for (const Column& column : columns) {
      column.write(row, to);
      to += column.features();
    }
  for (const Column& column : columns) column.note(part);
  return inputs;
}

// Numbers in their order, other texts byte by byte.
std::vector<std::string> class_texts(const TablePart& train, size_t target) {
  std::vector<std::string> classes;
  for (const Row& row : train.rows) classes.push_back(row[target]);
  std::sort(classes.begin(), classes.end());
  classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
  const bool numbers = std::all_of(classes.begin(), classes.end(),
                                   [](const auto& text) { return number_in(text).has_value(); });
  if (numbers)
    std::stable_sort(classes.begin(), classes.end(),
                     [](const auto& a, const auto& b) { return *number_in(a) < *number_in(b); });
  return classes;
}

at::Tensor class_targets(const TablePart& part, size_t target,
                         const std::vector<std::string>& classes, const std::string& train_path) {
  const at::Tensor targets = at::empty({static_cast<int64_t>(part.rows.size())}, at::kLong);
  std::map<std::string, int64_t> place;
  for (size_t c = 0; c < classes.size(); ++c) place[classes[c]] = static_cast<int64_t>(c);
  for (size_t i = 0; i < part.rows.size(); ++i) {
    const auto found = place.find(part.rows[i][target]);
    require(
        found != place.end(), "{}: row {}: the class '{}' is none of those to train on, of {}{}",
        part.path, part.lines[i], part.rows[i][target], train_path,
        number_in(part.rows[i][target]) ? fmt::format("; for numbers: {} regression", Key{"task"})
                                        : "");
    targets.data_ptr<int64_t>()[i] = found->second;
  }
  return targets;
}

// [N, K]; of labels each 0 or 1.
at::Tensor number_targets(const TablePart& part, const std::vector<size_t>& targets,
                          const std::vector<std::string>& names, bool labels) {
  const at::Tensor values = at::empty(
      {static_cast<int64_t>(part.rows.size()), static_cast<int64_t>(targets.size())}, at::kFloat);
  float* to = values.data_ptr<float>();
  for (size_t i = 0; i < part.rows.size(); ++i)
    for (const size_t target : targets) {
      const std::string& field = part.rows[i][target];
      const auto value = number_in(field);
      require(value.has_value(), "{}: row {}: the target '{}' is '{}', which is no finite number",
              part.path, part.lines[i], names[target], field);
      require(!labels || *value == 0 || *value == 1,
              "{}: row {}: the label '{}' is '{}', expected 0 or 1", part.path, part.lines[i],
              names[target], field);
      *to++ = static_cast<float>(*value);
    }
  return values;
}

size_t find_target(const Tables& tables, const std::string& wanted) {
  if (wanted.empty()) {
    add_data_note(fmt::format("{}: the target is the last column, '{}'", tables.train.path,
                              tables.names.back()));
    return tables.names.size() - 1;
  }
  const auto found = std::find(tables.names.begin(), tables.names.end(), wanted);
  require(found != tables.names.end(), "{}",
          unknown_name(fmt::format("{} column of {}", Key{"target"}, tables.train.path), wanted,
                       tables.names));
  return static_cast<size_t>(found - tables.names.begin());
}

// Reads the rows of another table for a model of these columns.
class TableReader : public ExampleReader {
 public:
  TableReader(std::vector<std::string> names, std::vector<size_t> targets,
              std::vector<Column> columns, std::string trained_on)
      : names_(std::move(names)),
        targets_(std::move(targets)),
        columns_(std::move(columns)),
        trained_on_(std::move(trained_on)) {}

  /// What is learned of target k: (it - mean) / deviation.
  void set_scale(std::vector<double> mean, std::vector<double> deviation) {
    mean_ = std::move(mean);
    deviation_ = std::move(deviation);
  }
  /// What is learned in place of numbers.
  void set_classes(std::vector<std::string> classes) { classes_ = std::move(classes); }

  at::Tensor read(const std::string& path) const override {
    CsvTable table = read_csv(path);
    const std::vector<size_t> places = places_in(table.names, table.has_header, path);
    TablePart part = table_part(path, std::move(table));
    bring_in_order(part, places);
    return features_of(part, columns_);
  }

  DataSplits splits(const std::string& path, const DataOptions& options) const override {
    Tables tables = read_tables(path, options.seed);
    const std::vector<size_t> places = places_in(tables.names, true, path);
    const auto train = std::make_shared<Dataset>(), test = std::make_shared<Dataset>();
    for (const auto& [data, part] :
         {std::pair(train, &tables.train), std::pair(test, &tables.test)}) {
      for (const size_t target : targets_) {
        require(places[target] < tables.names.size(), "{} has no column '{}', which is the target",
                path, names_[target]);
        leave_out_rows_without(*part, places[target], names_[target]);
      }
      bring_in_order(*part, places);
      data->inputs = features_of(*part, columns_);
      set_targets(*data, *part, options.many_labels);
      for (const Column& column : columns_) column.add_statistics(data->mean, data->stddev);
    }
    return {train, test};
  }

  /// The targets of a part, and what the data set says of them.
  void set_targets(Dataset& data, const TablePart& part, bool many_labels) const {
    if (!classes_.empty()) {
      data.class_names = classes_;
      data.classes = static_cast<int64_t>(classes_.size());
      data.targets = class_targets(part, targets_.front(), classes_, trained_on_);
      return;
    }
    data.classes = static_cast<int64_t>(targets_.size());
    data.targets = number_targets(part, targets_, names_, many_labels);
    for (size_t k = 0; k < targets_.size(); ++k) {
      if (many_labels) data.class_names.push_back(names_[targets_[k]]);
      if (mean_.empty()) continue;
      at::Tensor own = data.targets.select(1, static_cast<int64_t>(k));
      own.copy_((own.to(at::kDouble) - mean_[k]) / deviation_[k]);
    }
  }

  double value(size_t k, double output) const override {
    return mean_.empty() ? output : mean_[k] + deviation_[k] * output;
  }

 private:
  // Where the columns are by name, or in a table without names by their order, with the targets
  // among them or without.
  std::vector<size_t> places_in(const std::vector<std::string>& names, bool has_header,
                                const std::string& path) const {
    std::vector<size_t> places(names_.size());
    const bool without = names.size() + targets_.size() == names_.size();
    size_t next = 0;
    for (size_t k = 0; k < names_.size(); ++k) {
      const bool is_target = std::find(targets_.begin(), targets_.end(), k) != targets_.end();
      const auto found = std::find(names.begin(), names.end(), names_[k]);
      places[k] = static_cast<size_t>(found - names.begin());
      if (!has_header && without) places[k] = next;
      next += is_target ? 0 : 1;
      require(is_target || places[k] < names.size(),
              "{} has no column '{}', of which the model learned in {}", path, names_[k],
              trained_on_);
    }
    return places;
  }

  // That of the columns the model learned of; a target that is not there stays empty.
  void bring_in_order(TablePart& part, const std::vector<size_t>& places) const {
    for (Row& row : part.rows) {
      Row ordered(names_.size());
      for (size_t k = 0; k < names_.size(); ++k)
        if (places[k] < row.size()) ordered[k] = row[places[k]];
      row = std::move(ordered);
    }
    for (const Column& column : columns_) column.check(part);
  }

  std::vector<std::string> names_;
  std::vector<size_t> targets_;  // ascending
  std::vector<Column> columns_;
  std::string trained_on_;
  std::vector<double> mean_, deviation_;  // one a target, or none
  std::vector<std::string> classes_;      // or none
};

// By the training rows' targets, [N, K].
void learn_scale(const at::Tensor& targets, const std::vector<std::string>& names,
                 TableReader& reader) {
  const at::Tensor known = targets.to(at::kDouble);
  std::vector<double> means, deviations;
  for (int64_t k = 0; k < known.size(1); ++k) {
    means.push_back(known.select(1, k).mean().item<double>());
    const double deviation = known.select(1, k).std(/*unbiased=*/false).item<double>();
    deviations.push_back(deviation > 0 ? deviation : 1);
    const std::string& name = names[static_cast<size_t>(k)];
    add_data_note(fmt::format("the target '{}' is learned as ({} - {:.6g}) / {:.6g}", name, name,
                              means.back(), deviations.back()));
  }
  reader.set_scale(means, deviations);
}

// Ascending. Several with commas between them; a column whose own name has commas is one.
std::vector<size_t> find_targets(const Tables& tables, const DataOptions& options) {
  std::vector<std::string> wanted = {options.target};
  const auto& names = tables.names;
  const bool known = std::find(names.begin(), names.end(), options.target) != names.end();
  if (!known && (options.real_targets || options.many_labels)) {
    wanted.clear();
    for (std::string_view rest = options.target; wanted.empty() || !rest.empty();) {
      const size_t comma = std::min(rest.find(','), rest.size());
      wanted.emplace_back(rest.substr(0, comma));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  std::vector<size_t> targets;
  for (const std::string& name : wanted) targets.push_back(find_target(tables, name));
  std::sort(targets.begin(), targets.end());
  require(std::adjacent_find(targets.begin(), targets.end()) == targets.end(),
          "{} {} names a column twice", Key{"target"}, options.target);
  require(targets.size() < names.size(), "{} {}: no column is left to learn from", Key{"target"},
          options.target);
  return targets;
}

}  // namespace

DataSplits load_table(const std::string& path, const DataOptions& options) {
  Tables tables = read_tables(path, options.seed);
  require(tables.names.size() >= 2, "{} has one column, and needs another one to learn from",
          tables.train.path);
  const std::vector<size_t> targets = find_targets(tables, options);
  std::vector<std::string> names;
  for (const size_t target : targets) {
    names.push_back(tables.names[target]);
    for (TablePart* part : {&tables.train, &tables.test})
      leave_out_rows_without(*part, target, names.back());
  }

  std::vector<Column> columns;
  for (size_t k = 0; k < tables.names.size(); ++k)
    if (std::find(targets.begin(), targets.end(), k) == targets.end())
      columns.emplace_back(tables, k);
  const auto train = std::make_shared<Dataset>(), test = std::make_shared<Dataset>();
  for (const Column& column : columns) column.add_statistics(train->mean, train->stddev);
  test->mean = train->mean;
  test->stddev = train->stddev;
  train->inputs = features_of(tables.train, columns);
  test->inputs = features_of(tables.test, columns);
  const auto reader =
      std::make_shared<TableReader>(tables.names, targets, columns, tables.train.path);
  train->reader = test->reader = reader;
  if (options.real_targets) {
    learn_scale(number_targets(tables.train, targets, tables.names, false), names, *reader);
  } else if (!options.many_labels) {
    reader->set_classes(class_texts(tables.train, targets.front()));
  }
  reader->set_targets(*train, tables.train, options.many_labels);
  reader->set_targets(*test, tables.test, options.many_labels);
  return {train, test};
}

}  // namespace valley
