#include "valley/evaluation/evaluate.h"

#include <c10/core/GradMode.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/engine/class_tables.h"
#include "app/engine/engine.h"
#include "app/engine/instrument.h"
#include "app/engine/tell.h"
#include "valley/comm/group.h"
#include "valley/core/error.h"
#include "valley/data/loader.h"
#include "valley/data/notes.h"
#include "valley/evaluation/batch_norm.h"
#include "valley/models/safetensors.h"
#include "valley/models/state_dict.h"
#include "valley/optim/flat_parameters.h"
#include "valley/picture/table.h"
#include "valley/record/json_file.h"

namespace valley::app {
namespace {

// Of the run's own data and average: the report reads them.
constexpr const char *kClassesFile = "classes.json", *kRobustFile = "robust.json";

void leave_in(const FinishedRun& run, const EvaluateFlags& flags, const char* file,
              const Json& json) {
  const bool own = flags.data.empty() && flags.worker < 0 && flags.weights.empty();
  if (own) write_json(std::filesystem::path(run.folder()) / file, json);
}

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

// Of --worker or --weights, in the place of the average.
std::unique_ptr<Model> model_of(const FinishedRun& run, const DataSplits& own,
                                const EvaluateFlags& flags) {
  auto model = run.make_model(own);
  if (!flags.weights.empty()) load_state_dict(*model, load_safetensors(flags.weights).tensors);
  if (flags.worker < 0) return model;
  require(flags.worker < run.workers(), "--worker {}: {} has the workers 0 to {}", flags.worker,
          run.folder(), run.workers() - 1);
  const FlatParameters parameters(model->parameters(), model->buffers(), run.decay_rule());
  const c10::NoGradGuard no_grad;
  at::Tensor x = parameters.values();
  x.copy_(run.load_weights(own).workers[static_cast<size_t>(flags.worker)]);
  reestimate_batch_norm(*model, parameters, own.train, *make_solo());
  return model;
}

// Whose scores these are, where not those of the average.
std::string whose(const EvaluateFlags& flags) {
  if (!flags.weights.empty()) return " with " + flags.weights;
  return flags.worker < 0 ? "" : fmt::format(" worker {}", flags.worker);
}

// Of the test part what the scores do not tell: top-5 where there are more classes, and each class.
void add_classes(const FinishedRun& run, const ClassAnswers& answers, const Dataset& test,
                 const EvaluateFlags& flags, Json& result, Table& table, std::string& below) {
  if (answers.has_top5()) {
    result["top5_accuracy"] = answers.top5_accuracy();
    table.add_row({run.folder() + whose(flags), "test", std::to_string(answers.examples),
                   "top5_accuracy", fmt::format("{:.5g}", answers.top5_accuracy())});
  }
  if (!flags.classes) return;
  result.update(class_json(answers, test));
  leave_in(run, flags, kClassesFile, class_json(answers, test));
  below += fmt::format("\n{}, the test part:\n{}", run.folder(), class_tables(answers, test));
}

// Of the test part the same scores where every example is the worst nearby.
void add_robust(const FinishedRun& run, Model& model, const DataSplits& data, const Dataset& own,
                const EvaluateFlags& flags, Json& result, Table& table) {
  const std::string attack = to_string(flags.attack);
  require(!own.is_text(), "--adversarial {} changes values, and {} learnt from text", attack,
          run.folder());
  const Scores scores =
      evaluate(model, data.test, own, *make_solo(), {.attack = flags.attack}, run.task());
  Json file = {{"attack", attack}, {"examples", data.test->size()}};
  for (const auto& [score, value] : scores.values) {
    result["robust_" + score] = value;
    file["clean"][score] = result[score];
    file["robust"][score] = finite_or_null(value);
    table.add_row({run.folder() + whose(flags), "test", std::to_string(data.test->size()),
                   "robust_" + score, fmt::format("{:.5g}", value)});
  }
  result["attack"] = attack;
  leave_in(run, flags, kRobustFile, file);
}

Json evaluate_run(const FinishedRun& run, const EvaluateFlags& flags, Table& table,
                  std::string& below) {
  const DataSplits own = run.load_data();
  DataSplits data = own;
  if (!flags.data.empty()) {
    DataOptions options = to_data_options(run.config());
    options.train_samples = options.test_samples = 0;
    // A table is read by the columns, texts and scales of the one that was trained on.
    const ExampleReader* reader = own.train->reader.get();
    const std::string table = "table:";
    data = reader != nullptr && flags.data.starts_with(table)
               ? reader->splits(flags.data.substr(table.size()), options)
               : load_data(flags.data, options);
  }
  const std::string name = flags.data.empty() ? run.config().data : flags.data;
  const auto model = model_of(run, own, flags);
  require_fit(run, *own.train, data.train, name, *model);
  Json result = {{"run", run.folder()}, {"data", name}, {"task", run.task().name()}};
  if (flags.worker >= 0) result["worker"] = flags.worker;
  if (!flags.weights.empty()) result["weights"] = flags.weights;
  const auto comm = make_solo();
  for (const auto& [part, set] : {std::pair("train", data.train), std::pair("test", data.test)}) {
    const Scores scores = evaluate(*model, set, *own.train, *comm, {}, run.task());
    for (const auto& [score, value] : scores.values) {
      result[part][score] = value;
      table.add_row({run.folder() + whose(flags), part, std::to_string(set->size()), score,
                     fmt::format("{:.5g}", value)});
    }
    result[part]["examples"] = set->size();
  }
  if (flags.attack.any()) add_robust(run, *model, data, *own.train, flags, result["test"], table);
  require(!flags.classes || has_classes(data.test->targets), "--classes: {} has none", name);
  if (has_classes(data.test->targets))
    add_classes(run, class_answers(*model, data.test, *own.train, *comm), *data.test, flags,
                result["test"], table, below);
  return result;
}

}  // namespace

int evaluate(const EvaluateFlags& flags) {
  const DataNotes notes;
  const std::vector<FinishedRun> runs =
      open_given(flags, flags.classes || flags.attack.any() ? RunsAre::kWritten : RunsAre::kRead);
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

}  // namespace valley::app
