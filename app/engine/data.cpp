#include "app/data.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/bincount.h>
#include <ATen/ops/count_nonzero.h>
#include <ATen/ops/full.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/engine/class_tables.h"
#include "app/engine/engine.h"
#include "app/engine/instrument.h"
#include "app/engine/tell.h"
#include "valley/core/atomic_file.h"
#include "valley/core/error.h"
#include "valley/data/dataset.h"
#include "valley/data/notes.h"
#include "valley/data/partition.h"
#include "valley/data/picture_bytes.h"
#include "valley/data/vocabulary.h"
#include "valley/models/dtype.h"
#include "valley/picture/table.h"
#include "valley/task/language.h"

namespace valley::app {
namespace {

constexpr int64_t kPerClass = 10, kMostClasses = 20;  // of a sheet of examples

std::vector<int64_t> counts_of(const Dataset& data) {
  std::vector<int64_t> counts(data.classes);
  for (int64_t i = 0; i < data.size(); ++i) ++counts[data.targets.data_ptr<int64_t>()[i]];
  return counts;
}

// Of the training set, values as they are before normalisation.
Json values_of(const Dataset& data) {
  Json values = {{"mean", data.mean}, {"stddev", data.stddev}};
  if (data.inputs.scalar_type() == at::kByte) values["scaled_by"] = 1.0 / 255;
  return values;
}

// How often each token occurs, alone.
double entropy_of(const Dataset& data) {
  const Task& task = data.words == nullptr ? language() : language(data.words->lengths());
  return *task.chance(data.targets);
}

Json to_json(const DataRequest& request, const DataSplits& data,
             const std::vector<std::string>& notes) {
  const Dataset &train = *data.train, &test = *data.test;
  Json result = {{"data", request.config.data},
                 {"training_examples", train.size()},
                 {"test_examples", test.size()},
                 {"example", train.inputs.sizes().slice(1).vec()},
                 {"type", dtype_name(train.inputs.scalar_type())},
                 {"outputs", train.classes},
                 {"notes", notes}};
  if (train.is_text()) {
    result["vocabulary"] = train.vocabulary;
    result["entropy_bits"] = {{"training", entropy_of(train)}, {"test", entropy_of(test)}};
    return result;
  }
  result["training_values"] = values_of(train);
  if (!has_classes(train.targets)) return result;
  const auto in_training = counts_of(train), in_test = counts_of(test);
  for (size_t c = 0; c < in_training.size(); ++c)
    result["classes"].push_back(
        {{"name", class_name(train, c)}, {"training", in_training[c]}, {"test", in_test[c]}});
  return result;
}

// The first few, where there are many.
std::string range_text(const std::vector<float>& values) {
  if (values.size() <= 4) return fmt::format("{:.4g}", fmt::join(values, ", "));
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  return fmt::format("{:.4g} to {:.4g}", *least, *most);
}

// The beginning of a text in one line: what is no ASCII as a point.
std::string beginning_of(const Dataset& data) {
  constexpr size_t kShown = 70;
  const at::Tensor first = data.inputs[0].to(at::kLong).contiguous();
  std::string bytes, shown;
  for (int64_t i = 0; i < first.numel() && bytes.size() < kShown; ++i) {
    const int64_t token = first.data_ptr<int64_t>()[i];
    bytes +=
        data.words == nullptr ? std::string(1, static_cast<char>(token)) : data.words->token(token);
  }
  for (const char c : bytes.substr(0, kShown)) {
    const auto byte = static_cast<uint8_t>(c);
    shown += byte >= ' ' && byte < 0x7f ? c : byte < ' ' ? ' ' : '.';
  }
  return shown;
}

std::string text_text(const DataRequest& request, const DataSplits& data) {
  const Dataset &train = *data.train, &test = *data.test;
  const bool bytes = train.words == nullptr;
  Table table({{"part"},
               {"sequences", Table::Align::kRight},
               {bytes ? "bytes" : "tokens", Table::Align::kRight},
               {"different", Table::Align::kRight},
               {"bits a byte by frequency", Table::Align::kRight},
               {"begins"}});
  for (const auto& [name, part] : {std::pair("training", &train), std::pair("test", &test)})
    table.add_row(
        {name, std::to_string(part->size()), std::to_string(part->inputs.numel()),
         std::to_string(at::bincount(part->inputs.flatten()).count_nonzero().item<int64_t>()),
         fmt::format("{:.3f}", entropy_of(*part)), beginning_of(*part)});
  const std::string unit = bytes ? "bytes, each byte a token" : "tokens, each";
  return fmt::format("{}: a text in sequences of {} {} of {}\n\n{}", request.config.data,
                     train.inputs.size(1), unit, train.vocabulary, table.to_string());
}

std::string to_text(const DataRequest& request, const DataSplits& data) {
  const Dataset &train = *data.train, &test = *data.test;
  if (train.is_text()) return text_text(request, data);
  const bool bytes = train.inputs.scalar_type() == at::kByte;
  std::string text = fmt::format(
      "{}: {} training and {} test examples, {} of {}\n"
      "of {} channels: mean {}, deviation {}{}\n",
      request.config.data, train.size(), test.size(),
      fmt::join(train.inputs.sizes().slice(1), " x "), dtype_name(train.inputs.scalar_type()),
      train.mean.size(), range_text(train.mean), range_text(train.stddev),
      bytes ? ", bytes as 0 to 1" : "");
  if (!has_classes(train.targets))
    return text +
           fmt::format("{} of real numbers an example\n",
                       train.classes == 1 ? "a target" : fmt::format("{} targets", train.classes));
  Table table(
      {{"class"}, {"name"}, {"training", Table::Align::kRight}, {"test", Table::Align::kRight}});
  const auto in_training = counts_of(train), in_test = counts_of(test);
  for (size_t c = 0; c < in_training.size(); ++c)
    table.add_row({std::to_string(c), class_name(train, c), std::to_string(in_training[c]),
                   std::to_string(in_test[c])});
  return text + "\n" + table.to_string();
}

std::string partition_text(const DataRequest& request, const Dataset& train) {
  const PartitionSpec spec = to_partition(request.config);
  if (spec.kind == PartitionKind::kIid) return "";
  require(has_classes(train.targets), "{} {} deals out classes, and these examples have none",
          Key{"partition"}, to_string(spec));
  const auto parts = make_partition(train.targets, train.classes,
                                    static_cast<int>(request.config.workers), spec, train.origins);
  return fmt::format("\n{}:\n{}\n", to_string(spec),
                     histogram_table(class_histogram(train.targets, train.classes, parts)));
}

// [C, H, W] as bytes: what is no byte goes from its least value, black, to its largest.
at::Tensor as_bytes(const at::Tensor& example) {
  if (example.scalar_type() == at::kByte) return example;
  const at::Tensor values = example.to(at::kFloat), shifted = values - values.min();
  const float most = shifted.max().item<float>();
  return (shifted * (most > 0 ? 255 / most : 0)).round().to(at::kByte);
}

// A row a class, kPerClass examples side by side: [H, W, 3].
at::Tensor sheet_of(const Dataset& data, const std::string& name) {
  require(!data.is_text(), "--sheet shows pictures, and {} is text", name);
  const int64_t channels = data.inputs.size(1), height = data.inputs.size(2),
                width = data.inputs.size(3);
  require(height > 1 && width > 1, "--sheet shows pictures, but examples are {} x {} x {}",
          channels, height, width);
  const bool classes = has_classes(data.targets);
  const int64_t rows = classes ? std::min(data.classes, kMostClasses) : 1;
  const at::Tensor sheet =
      at::full({3, rows * (height + 1), kPerClass * (width + 1)}, 255, at::kByte);
  std::vector<int64_t> filled(rows);
  for (int64_t i = 0; i < data.size(); ++i) {
    const int64_t row = classes ? data.targets.data_ptr<int64_t>()[i] : 0;
    if (row >= rows || filled[row] == kPerClass) continue;
    const at::Tensor example = as_bytes(data.inputs[i]);
    sheet.narrow(1, row * (height + 1), height)
        .narrow(2, filled[row]++ * (width + 1), width)
        .copy_(channels == 3 ? example : example.narrow(0, 0, 1).expand({3, height, width}));
  }
  return sheet.permute({1, 2, 0}).contiguous();
}

}  // namespace

int data(const DataRequest& request) {
  const DataNotes notes;
  const DataSplits data = load_data(request.config.data, to_data_options(request.config));
  const std::string partition = partition_text(request, *data.train);
  if (!request.sheet.empty())
    write_atomically(request.sheet, png_file(sheet_of(*data.train, request.config.data)));
  if (!request.json) tell(notes);
  return show(to_json(request, data, notes.texts()), to_text(request, data) + partition,
              request.json);
}

}  // namespace valley::app
