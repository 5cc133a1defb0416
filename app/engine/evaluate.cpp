#include "valley/evaluation/evaluate.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/softmax.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "app/engine/class_tables.h"
#include "app/engine/engine.h"
#include "app/engine/instrument.h"
#include "app/engine/tell.h"
#include "app/exit_code.h"
#include "valley/comm/group.h"
#include "valley/core/error.h"
#include "valley/data/examples_file.h"
#include "valley/data/loader.h"
#include "valley/data/notes.h"
#include "valley/models/device.h"
#include "valley/models/model_pass.h"
#include "valley/picture/table.h"

namespace valley::app {
namespace {

// What the model was trained for must serve the data.
void require_fit(const FinishedRun& run, const Dataset& own,
                 const std::shared_ptr<const Dataset>& other, const std::string& name,
                 Model& model) {
  const Dataset& data = *other;
  require(own.inputs.sizes().slice(1) == data.inputs.sizes().slice(1),
          "{} was trained on examples of [{}], but those of {} are [{}]", run.folder(),
          fmt::join(own.inputs.sizes().slice(1), ", "), name,
          fmt::join(data.inputs.sizes().slice(1), ", "));
  require(own.class_names == data.class_names || data.class_names.empty(),
          "{} was trained on the classes {}, but those of {} are {}", run.folder(),
          fmt::join(own.class_names, ", "), name, fmt::join(data.class_names, ", "));
  const c10::NoGradGuard no_grad;
  model.train(false);
  Loader loader(other, own, {}, 0, 0);
  const Batch batch = loader.range(0, 1);
  run.task().check(model.forward(batch.input), {.examples = 1,
                                                .targets = data.targets,
                                                .model = run.folder(),
                                                .data = name,
                                                .classes = data.classes});
}

// Of the test part what the scores do not tell: top-5 where there are more classes, and each class.
void add_classes(const FinishedRun& run, const ClassAnswers& answers, const Dataset& test,
                 const EvaluateFlags& flags, Json& result, Table& table, std::string& below) {
  if (answers.has_top5()) {
    result["top5_accuracy"] = answers.top5_accuracy();
    table.add_row({run.folder(), "test", std::to_string(answers.examples), "top5_accuracy",
                   fmt::format("{:.5g}", answers.top5_accuracy())});
  }
  if (!flags.classes) return;
  result.update(class_json(answers, test));
  below += fmt::format("\n{}, the test part:\n{}", run.folder(), class_tables(answers, test));
}

Json evaluate_run(const FinishedRun& run, const EvaluateFlags& flags, Table& table,
                  std::string& below) {
  const DataSplits own = run.load_data();
  DataSplits data = own;
  if (!flags.data.empty()) {
    DataOptions options = to_data_options(run.config());
    options.train_samples = options.test_samples = 0;
    data = load_data(flags.data, options);
  }
  const std::string name = flags.data.empty() ? run.config().data : flags.data;
  const auto model = run.make_model(own);
  require_fit(run, *own.train, data.train, name, *model);
  Json result = {{"run", run.folder()}, {"data", name}, {"task", run.task().name()}};
  const auto comm = make_solo();
  for (const auto& [part, set] : {std::pair("train", data.train), std::pair("test", data.test)}) {
    const Scores scores = evaluate(*model, set, *own.train, *comm, {}, run.task());
    for (const auto& [score, value] : scores.values) {
      result[part][score] = value;
      table.add_row(
          {run.folder(), part, std::to_string(set->size()), score, fmt::format("{:.5g}", value)});
    }
    result[part]["examples"] = set->size();
  }
  require(!flags.classes || has_classes(data.test->targets), "--classes: {} has none", name);
  if (has_classes(data.test->targets))
    add_classes(run, class_answers(*model, data.test, *own.train, *comm), *data.test, flags,
                result["test"], table, below);
  return result;
}

// A field of a CSV file.
std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\n") == text.npos) return text;
  std::string result = "\"";
  for (const char c : text) result += c == '"' ? std::string("\"\"") : std::string(1, c);
  return result + "\"";
}

// Whether one of several is asked for: a class, or the next byte of a text.
bool has_answers(const Dataset& trained) {
  return trained.is_text() || has_classes(trained.targets);
}

struct Prediction {
  std::string file;
  int64_t place = 0;
  std::string answer;  // of a class
  double probability = 0;
  std::vector<double> values;  // of a task without classes
};

std::string csv_line(const Prediction& p) {
  if (!p.values.empty())
    return fmt::format("{},{},{:.6g}\n", quoted(p.file), p.place, fmt::join(p.values, ","));
  return fmt::format("{},{},{},{:.6f}\n", quoted(p.file), p.place, quoted(p.answer), p.probability);
}

std::string json_line(const Prediction& p) {
  Json line = {{"file", p.file}, {"place", p.place}};
  if (p.values.empty()) {
    line["class"] = p.answer;
    line["probability"] = p.probability;
  } else {
    line["values"] = p.values;
  }
  return line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

// A byte of a text as a word of ASCII: "a", "space", "\n", "0xe9".
std::string byte_name(size_t byte) {
  if (byte == '\n') return "\\n";
  if (byte == '\t') return "\\t";
  if (byte == ' ') return "space";
  return byte > ' ' && byte < 0x7f ? std::string(1, static_cast<char>(byte))
                                   : fmt::format("{:#04x}", byte);
}

std::string answer_name(const Dataset& trained, size_t c) {
  return trained.is_text() ? byte_name(c) : class_name(trained, c);
}

// `output` of one example; of a text what comes behind its end.
Prediction prediction_of(const at::Tensor& output, const Dataset& trained) {
  at::Tensor here = output.to(at::kCPU, at::kDouble);
  if (trained.is_text()) here = here[-1];
  Prediction found;
  if (has_answers(trained)) {
    const auto [probability, place] = at::softmax(here, 0).max(0);
    found.answer = answer_name(trained, static_cast<size_t>(place.item<int64_t>()));
    found.probability = probability.item<double>();
  } else {
    const double* values = here.data_ptr<double>();
    found.values.assign(values, values + here.numel());
  }
  return found;
}

}  // namespace

int evaluate(const EvaluateFlags& flags) {
  const DataNotes notes;
  const std::vector<FinishedRun> runs = open_given(flags, RunsAre::kRead);
  Table table({{"run"},
               {"part"},
               {"examples", Table::Align::kRight},
               {"score"},
               {"value", Table::Align::kRight}});
  Json all = {{"runs", Json::array()}};
  std::string below;
  for (const FinishedRun& run : runs) all["runs"].push_back(evaluate_run(run, flags, table, below));
  if (!flags.quiet) tell(notes);
  return show(all, table.to_string() + below, flags.json);
}

int predict(const PredictFlags& flags) {
  const DataNotes notes;
  const std::vector<FinishedRun> runs = open_given(flags, RunsAre::kRead);
  require(runs.size() == 1, "give one run, not a folder of {}", runs.size());
  const DataSplits data = runs[0].load_data();
  const auto model = runs[0].make_model(data);
  const c10::NoGradGuard no_grad;
  model->train(false);
  // All of them are read before the first answer.
  std::vector<std::shared_ptr<const Dataset>> files;
  for (const std::string& file : flags.files) files.push_back(examples_of_file(file, *data.train));
  const bool classes = has_answers(*data.train);
  if (!flags.json)
    std::cout << (classes ? "file,place,class,probability\n" : "file,place,values\n");
  for (size_t f = 0; f < files.size(); ++f) {
    Loader loader(files[f], *data.train, {}, 0, 0, find_device(flags.device));
    constexpr int64_t kBatch = 256;
    for (int64_t begin = 0; begin < files[f]->size(); begin += kBatch) {
      const int64_t end = std::min(begin + kBatch, files[f]->size());
      const at::Tensor outputs =
          model_pass([&] { return model->forward(loader.range(begin, end).input); });
      for (int64_t i = begin; i < end; ++i) {
        Prediction p = prediction_of(outputs[i - begin], *data.train);
        p.file = flags.files[f];
        p.place = i;
        std::cout << (flags.json ? json_line(p) : csv_line(p));
      }
    }
  }
  return exit_code::kDone;
}

}  // namespace valley::app
