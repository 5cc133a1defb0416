#include "valley/train/run_checkpoint.h"

#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "valley/record/run_folder.h"

namespace valley {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kOptimizer = "optimizer/", kAlgorithm = "algorithm/",
                           kBuffer = "buffer/", kRunning = "average/";

// The name behind a prefix; nothing for a name without it.
std::optional<std::string> behind(std::string_view prefix, const std::string& name) {
  if (!name.starts_with(prefix)) return std::nullopt;
  return name.substr(prefix.size());
}

// The names and shapes of what a checkpoint holds, by which another model of equal size is known.
Json layout_of(const FlatParameters& parameters) {
  Json layout = Json::array();
  for (const auto* ranges : {&parameters.ranges(), &parameters.buffer_ranges()}) {
    for (const NamedRange& range : *ranges)
      layout.push_back(Json::array({range.name, range.shape}));
  }
  for (const auto& other : parameters.other_buffers()) {
    layout.push_back(Json::array({other.name, other.tensor.sizes().vec()}));
  }
  return layout;
}

void require_same_layout(const Json& there, const Json& here) {
  const auto entry = [](const Json& layout, size_t i) -> std::string {
    if (i >= layout.size()) return "no more";
    return fmt::format("{} {}", layout[i][0].get<std::string>(),
                       layout[i][1].get<std::vector<int64_t>>());
  };
  for (size_t i = 0; i < std::max(there.size(), here.size()); ++i) {
    const std::string theirs = entry(there, i), ours = entry(here, i);
    require(theirs == ours, "the checkpoint is of another model: it has {} where this one has {}",
            theirs, ours);
  }
}

void copy(const at::Tensor& from, at::Tensor to, const char* what) {
  require(from.sizes() == to.sizes(), "the checkpoint has {} {}, the model {}", from.numel(), what,
          to.numel());
  to.copy_(from);
}

}  // namespace

RunCheckpoint::RunCheckpoint(Communicator& comm, const std::string& out, RunIdentity identity,
                             WorkerParts parts)
    : comm_(comm),
      active_(!out.empty()),
      checkpoints_(fs::path(out) / RunFolder::kCheckpoints),
      identity_(std::move(identity)),
      parts_(parts) {}

WorkerState RunCheckpoint::state(const RunClock& clock, const at::Tensor& view) const {
  const FlatParameters& parameters = parts_.parameters;
  WorkerState state;
  state.tensors = {{"x", parameters.values()},
                   {"buffers", parameters.buffers()},
                   {"generator", parts_.generator.state()}};
  if (!view.is_same(parameters.values())) state.tensors.push_back({"view", view});
  if (parts_.best.x().defined()) state.tensors.push_back({"best", parts_.best.x()});
  const auto add = [&](std::string_view prefix, const std::string& name, const at::Tensor& tensor) {
    state.tensors.push_back({std::string(prefix) + name, tensor});
  };
  for (const auto& other : parameters.other_buffers()) add(kBuffer, other.name, other.tensor);
  for (const auto& [name, tensor] : parts_.optimizer.state()) add(kOptimizer, name, tensor);
  for (const auto& [name, tensor] : parts_.algorithm.state()) add(kAlgorithm, name, tensor);
  for (const auto& [name, tensor] : parts_.running.state()) add(kRunning, name, tensor);
  Json values = {
      {"step", clock.step}, {"meters", to_json(parts_.meters)}, {"layout", layout_of(parameters)}};
  if (parts_.best.step() >= 0) values["best"] = parts_.best.to_json();
  state.values = values.dump();
  return state;
}

void RunCheckpoint::load(const WorkerState& state, RunClock& clock) const {
  clock.step = Json::parse(state.values).at("step");
  load_all(state, clock.step);
}

void RunCheckpoint::save(const RunClock& clock, const at::Tensor& view) const {
  if (!active_) return;
  checkpoints_.save(comm_,
                    {.step = clock.step,
                     .total_steps = clock.total_steps,
                     .workers = comm_.size(),
                     .algorithm = identity_.algorithm,
                     .model = identity_.model},
                    state(clock, view), identity_.keep);
}

RunCheckpoint::Restored RunCheckpoint::restore(RunClock& clock, const Say& say) {
  WorkerState state;  // of this worker, where their number is the checkpoint's
  const auto load = [&](const Manifest& candidate) {
    if (candidate.workers != comm_.size()) {
      require(identity_.personal.empty(),
              "the checkpoint has {} workers, this run {}: {} {} is each one's own, and has no "
              "average",
              candidate.workers, comm_.size(), Key{"personal"}, identity_.personal);
      return load_average(candidate);
    }
    const bool same_length = identity_.extend || candidate.total_steps == clock.total_steps;
    require(candidate.algorithm == identity_.algorithm && same_length,
            "the checkpoint is of {} over {} steps, the run of {} over {}", candidate.algorithm,
            candidate.total_steps, identity_.algorithm, clock.total_steps);
    require(candidate.step <= clock.total_steps, "the run has done {} steps, {} are asked for",
            candidate.step, clock.total_steps);
    state = checkpoints_.load(candidate, comm_.rank(), "");
  };
  const std::optional<Manifest> manifest = checkpoints_.take_newest_whole(comm_, load, say);
  if (!manifest) return Restored::kNothing;
  if (manifest->workers == comm_.size()) {
    clock.step = manifest->step;
    load_all(state, clock.step);
    say(fmt::format("resuming at step {} of {}", clock.step, clock.total_steps));
    return Restored::kSame;
  }
  const int64_t epochs =
      manifest->step * clock.total_steps / manifest->total_steps / clock.steps_per_epoch;
  clock.step = epochs * clock.steps_per_epoch;
  parts_.algorithm.join(comm_, parts_.parameters.values(), clock.step);
  say(fmt::format(
      "the checkpoint has {} workers, this run {}: starting from their average at epoch "
      "{}, with fresh optimizer state",
      manifest->workers, comm_.size(), epochs));
  return Restored::kAverage;
}

std::string RunCheckpoint::newest() const {
  const std::optional<Manifest> last = checkpoints_.latest_readable();
  return last ? fmt::format("the last good checkpoint is {}",
                            checkpoints_.path_of(last->step).string())
              : fmt::format("there is no checkpoint yet ({})", Key{"checkpoint-every"});
}

void RunCheckpoint::load_values(const WorkerState& state) const {
  const FlatParameters& parameters = parts_.parameters;
  const Json values = Json::parse(state.values);
  if (values.contains("layout")) require_same_layout(values["layout"], layout_of(parameters));
  at::Tensor best;
  for (const auto& [name, tensor] : state.tensors) {
    if (name == "best") best = tensor.to(parameters.values().device());
    if (name == "x") copy(tensor, parameters.values(), "parameters");
    if (name == "buffers") copy(tensor, parameters.buffers(), "buffer values");
    for (const auto& other : parameters.other_buffers()) {
      if (behind(kBuffer, name) == other.name) at::Tensor(other.tensor).copy_(tensor);
    }
  }
  if (values.contains("best")) parts_.best.load(values["best"], best);
}

void RunCheckpoint::load_all(const WorkerState& state, int64_t step) const {
  std::vector<NamedTensor> optimizer, running;
  AlgorithmState algorithm;
  for (const auto& [name, tensor] : state.tensors) {
    if (const auto own = behind(kOptimizer, name)) optimizer.push_back({*own, tensor});
    if (const auto own = behind(kAlgorithm, name)) {
      algorithm.emplace_back(*own, tensor.to(parts_.parameters.values().device()));
    }
    if (const auto own = behind(kRunning, name)) running.push_back({*own, tensor});
    if (name == "generator") parts_.generator.go_on(tensor, step);
  }
  load_values(state);
  parts_.optimizer.load_state(optimizer);
  parts_.running.load_state(running, parts_.parameters.values().device());
  parts_.algorithm.join(comm_, parts_.parameters.values(), step);
  parts_.algorithm.load_state(algorithm);
  parts_.meters = meters_from(Json::parse(state.values).at("meters"));
  if (identity_.extend) parts_.meters.reached = false;  // what ended the shorter run
}

void RunCheckpoint::load_average(const Manifest& manifest) const {
  at::Tensor x = parts_.parameters.values();
  at::Tensor sum = at::zeros_like(x, at::kDouble);
  parts_.meters.first_loss = 0;
  for (int m = 0; m < manifest.workers; ++m) {
    const WorkerState state = checkpoints_.load(manifest, m, "");
    load_values(state);
    sum.add_(state.view().to(sum.device()));
    parts_.meters.first_loss +=
        first_loss_from(Json::parse(state.values).at("meters")) / manifest.workers;
  }
  x.copy_(sum.div_(manifest.workers));
}

}  // namespace valley
