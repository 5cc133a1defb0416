#include "valley/train/recorder.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "valley/comm/clock_offset.h"
#include "valley/record/metrics.h"
#include "valley/record/run_folder.h"
#include "valley/record/tensorboard.h"

namespace valley {
namespace {

namespace fs = std::filesystem;

constexpr double kStray = 3;  // times the loss of the others
constexpr double kRise = 2;   // times its own lowest

// The rounds as every worker saw them, as one record a round: distances by worker, their mean, and
// the local steps that each has done where that differs.
std::vector<Json> merge_rounds(const std::vector<Json>& notes) {
  std::map<int64_t, Json> rounds;  // by step
  for (const Json& note : notes) {
    if (!note.contains("distance")) continue;
    Json& merged = rounds[note.at("step").get<int64_t>()];
    if (merged.is_null()) {
      merged = note;
      merged["worker"] = "mean";
      merged.erase("distance");
      merged["distances"] = Json::array();
      if (note.contains("local_steps")) merged["local_steps"] = Json::array();
    }
    merged["distances"].push_back(note.at("distance"));
    if (note.contains("local_steps"))
      merged["local_steps"].push_back(note["local_steps"].get<int64_t>());
  }
  std::vector<Json> result;
  for (auto& [step, merged] : rounds) {
    double sum = 0;
    for (const Json& distance : merged["distances"]) {
      sum += distance.is_number() ? distance.get<double>() : 0;
    }
    merged["valley_width"] = sum / static_cast<double>(merged["distances"].size());
    result.push_back(std::move(merged));
  }
  return result;
}

}  // namespace

Recorder::Recorder(Communicator& comm, const std::string& out, int64_t resume_step,
                   KeptRecord* kept)
    : comm_(comm),
      active_(!out.empty()),
      out_(out),
      trace_(kept != nullptr ? kept->trace : own_.trace),
      notes_(kept != nullptr ? kept->notes : own_.notes) {
  trace_.set_worker(comm.rank());
  std::erase_if(notes_, [&](const Json& note) { return note.at("step") > resume_step; });
  if (!active_ || comm.rank() != 0) return;
  const fs::path metrics = fs::path(out) / RunFolder::kMetrics;
  if (resume_step < 0) {
    metrics_ = std::make_unique<MetricsWriter>(metrics);
    tensorboard_ = std::make_unique<TensorBoardWriter>(out);
  } else {
    metrics_ = std::make_unique<MetricsWriter>(MetricsWriter::resume(metrics, resume_step));
    tensorboard_ = std::make_unique<TensorBoardWriter>(out, resume_step + 1);
    for (const Json& record : read_metrics(metrics)) {
      if (record.contains("test_loss") || record.contains("validation_loss"))
        evaluated_step_ = record.at("step");
      if (record.contains("distances") || record.contains("loss"))
        noted_step_ = std::max<int64_t>(noted_step_, record.at("step"));
    }
  }
}

Recorder::~Recorder() = default;

std::string Recorder::warning() const {
  const int64_t lines = metrics_ ? metrics_->damaged_lines() : 0;
  if (lines == 0) return "";
  const std::string file = (fs::path(out_) / RunFolder::kMetrics).string();
  return fmt::format("{0} of {1} {2} damaged; put aside in {1}.damaged",
                     lines == 1 ? "a line" : fmt::format("{} lines", lines), file,
                     lines == 1 ? "is" : "are");
}

void Recorder::round(int64_t step, double epoch, int64_t round, int64_t period, double lr,
                     const RoundReport& report) {
  if (!active_) return;
  Json note = {{"step", step},   {"epoch", epoch},   {"worker", comm_.rank()},
               {"round", round}, {"period", period}, {"lr", lr}};
  // These are in every line, whether or not the method has them.
  for (const char* name : {"pull", "push", "predicted_width"}) note[name] = report.figure(name);
  for (const auto& [name, value] : report.figures) note[name] = value;
  note["distance"] = report.distance;
  notes_.push_back(std::move(note));
}

void Recorder::epoch(int64_t step, double epoch, double loss, double lr) {
  if (!active_) return;
  notes_.push_back(
      {{"step", step}, {"epoch", epoch}, {"worker", comm_.rank()}, {"loss", loss}, {"lr", lr}});
}

void Recorder::mean(const Json& record) {
  // A run that is resumed at its very end evaluates it once more.
  if (record.at("step") == evaluated_step_) return;
  if (active_ && comm_.rank() == 0) mean_records_.push_back(record);
}

void Recorder::group(int64_t step, double epoch, int workers) {
  if (active_ && comm_.rank() == 0)
    mean_records_.push_back(
        {{"step", step}, {"epoch", epoch}, {"worker", "mean"}, {"workers", workers}});
}

// Worker 0 may be lost before it has written them. So notes that are to outlive this recorder stay
// until some of a later step are sent: by then all have come past the step of these.
Json Recorder::to_send() {
  Json own = Json::array();
  int64_t newest = sent_step_;
  for (const Json& note : notes_) {
    if (note.at("step") <= sent_step_) continue;
    own.push_back(note);
    newest = std::max<int64_t>(newest, note.at("step"));
  }
  if (newest > sent_step_)
    std::erase_if(notes_, [&](const Json& note) { return note.at("step") <= sent_step_; });
  sent_step_ = newest;
  return own;
}

void Recorder::flush() {
  if (!active_) return;
  const std::vector<std::string> texts = comm_.gather_text(to_send().dump());
  if (comm_.rank() != 0) return;

  std::vector<Json> notes;
  for (const auto& text : texts) {
    // A worker that has not heard that they came, because the group ended, sends them once more.
    for (const auto& note : Json::parse(text))
      if (note.at("step") > noted_step_) notes.push_back(note);
  }
  for (const Json& note : notes) noted_step_ = std::max<int64_t>(noted_step_, note.at("step"));
  look_for_strays(notes);
  std::vector<Json> records = merge_rounds(notes);
  for (auto& note : notes) {
    if (!note.contains("distance")) records.push_back(std::move(note));
  }
  for (auto& record : mean_records_) records.push_back(std::move(record));
  mean_records_.clear();
  std::stable_sort(records.begin(), records.end(), [](const Json& a, const Json& b) {
    return a.at("step").get<int64_t>() < b.at("step").get<int64_t>();
  });
  for (const auto& record : records) write(record);
  metrics_->sync();
}

void Recorder::look_for_strays(const std::vector<Json>& notes) {
  std::map<int64_t, std::map<int, double>> losses;  // by step and worker
  for (const Json& note : notes)
    if (note.contains("loss") && note["loss"].is_number())
      losses[note.at("step")][note.at("worker")] = note["loss"];
  for (const auto& [step, by_worker] : losses) {
    for (const auto& [worker, loss] : by_worker) {
      std::vector<double> others;
      for (const auto& [other, its] : by_worker)
        if (other != worker) others.push_back(its);
      if (others.empty()) continue;
      const auto middle = others.begin() + static_cast<std::ptrdiff_t>(others.size() / 2);
      std::nth_element(others.begin(), middle, others.end());
      double& lowest = lowest_.try_emplace(worker, loss).first->second;
      lowest = std::min(lowest, loss);
      if (loss <= kStray * *middle || loss < kRise * lowest) continue;
      if (!strayed_.insert(worker).second) continue;
      stray_ = fmt::format(
          "worker {}'s mean loss is {:.4g} at step {}, the median of the others' {:.4g}", worker,
          loss, step, *middle);
    }
  }
}

std::string Recorder::take_stray() { return std::exchange(stray_, ""); }

void Recorder::write(const Json& record) {
  metrics_->append(record);
  const int64_t step = record.at("step");
  const Json& worker = record.at("worker");
  const std::string group =
      worker.is_number() ? "worker_" + std::to_string(worker.get<int>()) : std::string("mean");
  Json values = record;
  values.erase("step");
  values.erase("worker");
  write_scalars(group, step, values);
}

// The numbers of an object, and of objects in it: probe/sigma_w_squared.
void Recorder::write_scalars(const std::string& group, int64_t step, const Json& values) {
  for (const auto& [key, value] : values.items()) {
    const std::string name = group + "/" + key;
    if (value.is_number()) tensorboard_->scalar(name, step, value.get<double>());
    if (value.is_object()) write_scalars(name, step, value);
  }
}

void Recorder::start_trace() {
  if (trace_.empty()) trace_.restart_clock();
}

void Recorder::finish() {
  if (!active_) return;
  flush();
  // On worker 0's clock, from the moment at which the first of them began.
  const ClockOffset clock = clock_offset(comm_);
  double origin = std::numeric_limits<double>::infinity();
  for (const std::string& begin :
       comm_.all_gather_text(fmt::format("{}", trace_.origin() - clock.ahead)))
    origin = std::min(origin, std::stod(begin));
  if (clock.within > 0) {
    trace_.set_label(fmt::format("clock {:.6f} s ahead of worker 0's, to within {:.6f} s",
                                 clock.ahead, clock.within));
  }
  const std::vector<std::string> traces = comm_.gather_text(trace_.serialize(origin + clock.ahead));
  if (comm_.rank() == 0) write_trace(fs::path(out_) / RunFolder::kTrace, traces);
}

}  // namespace valley
