#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/sigmoid.h>
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
#include "valley/core/error.h"
#include "valley/core/random.h"
#include "valley/data/examples_file.h"
#include "valley/data/loader.h"
#include "valley/data/notes.h"
#include "valley/data/text.h"
#include "valley/data/vocabulary.h"
#include "valley/models/device.h"
#include "valley/models/model_pass.h"
#include "valley/task/multi_label.h"

namespace valley::app {
namespace {

// A field of a CSV file.
std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\n") == text.npos) return text;
  std::string result = "\"";
  for (const char c : text) result += c == '"' ? std::string("\"\"") : std::string(1, c);
  return result + "\"";
}

enum class Asked { kClass, kLabels, kValues };

// Of a text the next token is a class among all.
Asked asked_of(const Dataset& trained, const Task& task) {
  if (trained.is_text() || has_classes(trained.targets)) return Asked::kClass;
  return &task == &multi_label() ? Asked::kLabels : Asked::kValues;
}

const char* head_of(Asked asked) {
  if (asked == Asked::kClass) return "file,place,class,probability\n";
  return asked == Asked::kLabels ? "file,place,labels\n" : "file,place,values\n";
}

struct Prediction {
  Asked asked = Asked::kClass;
  std::string file = {};
  int64_t place = 0;
  std::string answer = {};  // of a class; of labels all that are likely, with ; between them
  double probability = 0;
  std::vector<std::string> labels = {};
  std::vector<double> values = {};  // of labels how likely each of them is
};

std::string csv_line(const Prediction& p) {
  if (p.asked == Asked::kLabels)
    return fmt::format("{},{},{}\n", quoted(p.file), p.place, quoted(p.answer));
  if (p.asked == Asked::kValues)
    return fmt::format("{},{},{:.6g}\n", quoted(p.file), p.place, fmt::join(p.values, ","));
  return fmt::format("{},{},{},{:.6f}\n", quoted(p.file), p.place, quoted(p.answer), p.probability);
}

std::string json_line(const Prediction& p) {
  Json line = {{"file", p.file}, {"place", p.place}};
  if (p.asked == Asked::kClass) {
    line["class"] = p.answer;
    line["probability"] = p.probability;
  } else if (p.asked == Asked::kLabels) {
    for (size_t k = 0; k < p.labels.size(); ++k) line["probabilities"][p.labels[k]] = p.values[k];
  } else {
    line["values"] = p.values;
  }
  return line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string answer_name(const Dataset& trained, size_t c) {
  return trained.is_text() ? token_name(trained.words.get(), static_cast<int64_t>(c))
                           : class_name(trained, c);
}

// `output` of one example; of a text what comes behind its end.
Prediction prediction_of(const at::Tensor& output, const Dataset& trained, Asked asked) {
  at::Tensor here = output.to(at::kCPU, at::kDouble);
  if (trained.is_text()) here = here[-1];
  Prediction found{.asked = asked};
  if (asked == Asked::kClass) {
    const auto [probability, place] = at::softmax(here, 0).max(0);
    found.answer = answer_name(trained, static_cast<size_t>(place.item<int64_t>()));
    found.probability = probability.item<double>();
    return found;
  }
  if (asked == Asked::kLabels) here = at::sigmoid(here);
  for (int64_t k = 0; k < here.numel(); ++k) {
    const double value = here[k].item<double>();
    const auto place = static_cast<size_t>(k);
    const bool in_its_units = asked == Asked::kValues && trained.reader != nullptr;
    found.values.push_back(in_its_units ? trained.reader->value(place, value) : value);
    if (asked != Asked::kLabels) continue;
    found.labels.push_back(class_name(trained, place));
    if (value > 0.5) found.answer += (found.answer.empty() ? "" : ";") + found.labels.back();
  }
  return found;
}

// The next token: the likeliest at temperature 0, else drawn from softmax(logits / temperature).
int64_t next_token(const at::Tensor& logits, double temperature, Random& random) {
  const at::Tensor here = logits.to(at::kCPU, at::kDouble).contiguous();
  if (temperature == 0) return here.argmax(0).item<int64_t>();
  const at::Tensor p = at::softmax(here / temperature, 0);
  double place = random.uniform();
  for (int64_t t = 0; t + 1 < p.numel(); ++t)
    if ((place -= p.data_ptr<double>()[t]) < 0) return t;
  return p.numel() - 1;
}

// What follows `tokens` [1, n], of which the model sees the last ones, as many as it was trained
// on.
std::string continued(Model& model, at::Tensor tokens, const Dataset& trained,
                      const PredictFlags& flags) {
  const int64_t most = trained.inputs.size(1);
  Random random(static_cast<uint64_t>(flags.seed));
  std::string text;
  tokens = tokens.to(find_device(flags.device), at::kLong);
  for (int64_t k = 0; k < flags.length; ++k) {
    const int64_t seen = std::min(most, tokens.size(1));
    const at::Tensor logits = model_pass(
        [&] { return model.forward(tokens.narrow(1, tokens.size(1) - seen, seen))[0][-1]; });
    const int64_t token = next_token(logits, flags.temperature, random);
    text += trained.words == nullptr ? std::string(1, static_cast<char>(token))
                                     : trained.words->token(token);
    tokens = at::cat(
        {tokens.narrow(1, tokens.size(1) - seen, seen), at::full({1, 1}, token, tokens.options())},
        1);
  }
  return text;
}

int continue_texts(Model& model, const Dataset& trained, const PredictFlags& flags) {
  require(trained.is_text(), "--length goes on with a text, and the run's data are none");
  const Vocabulary* words = trained.words.get();
  const int64_t most = trained.inputs.size(1);
  std::vector<std::pair<std::string, at::Tensor>> prompts;  // what it is called, its end
  if (!flags.prompt.empty()) prompts.emplace_back("", end_of_prompt(flags.prompt, most, words));
  for (const std::string& file : flags.files)
    prompts.emplace_back(file, end_of_text(file, most, words));
  for (const auto& [name, tokens] : prompts) {
    const std::string text = continued(model, tokens, trained, flags);
    if (flags.json) {
      const Json line = {{"file", name}, {"text", text}};
      std::cout << line.dump(-1, ' ', false, Json::error_handler_t::replace) << "\n";
    } else {
      std::cout << text << "\n";
    }
  }
  return exit_code::kDone;
}

}  // namespace

int predict(const PredictFlags& flags) {
  const DataNotes notes;
  const std::vector<FinishedRun> runs = open_given(flags, RunsAre::kRead);
  require(runs.size() == 1, "give one run, not a folder of {}", runs.size());
  const DataSplits data = runs[0].load_data();
  const auto model = runs[0].make_model(data);
  const c10::NoGradGuard no_grad;
  model->train(false);
  if (flags.length > 0) return continue_texts(*model, *data.train, flags);
  // All of them are read before the first answer.
  std::vector<std::shared_ptr<const Dataset>> files;
  for (const std::string& file : flags.files) files.push_back(examples_of_file(file, *data.train));
  tell(notes);
  const Asked asked = asked_of(*data.train, runs[0].task());
  if (!flags.json) std::cout << head_of(asked);
  for (size_t f = 0; f < files.size(); ++f) {
    Loader loader(files[f], *data.train, {}, 0, 0, find_device(flags.device));
    constexpr int64_t kBatch = 256;
    for (int64_t begin = 0; begin < files[f]->size(); begin += kBatch) {
      const int64_t end = std::min(begin + kBatch, files[f]->size());
      const at::Tensor outputs =
          model_pass([&] { return model->forward(loader.range(begin, end).input); });
      for (int64_t i = begin; i < end; ++i) {
        Prediction p = prediction_of(outputs[i - begin], *data.train, asked);
        p.file = flags.files[f];
        p.place = i;
        std::cout << (flags.json ? json_line(p) : csv_line(p));
      }
    }
  }
  return exit_code::kDone;
}

}  // namespace valley::app
