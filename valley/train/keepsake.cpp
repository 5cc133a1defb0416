#include "valley/train/keepsake.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace valley {
namespace {

// What a worker says of the last section.
struct Word {
  int64_t sections = -1;  // a newcomer's
  bool done = false;      // the next one, too

  static Word parse(const std::string& text) {
    if (text.empty()) return {};
    const Json json = Json::parse(text);
    return {json.at("sections"), json.at("done")};
  }

  // Sections that are over for this worker, if the newest that anybody knows to be committed is
  // this one.
  bool comes_to(int64_t committed) const {
    return sections == committed || (done && sections + 1 == committed);
  }
};

Json to_json(const Keepsake& keepsake, const WorkerState& state) {
  Json tensors = Json::array();
  for (const auto& [name, tensor] : state.tensors)
    tensors.push_back({name, int(tensor.scalar_type()), tensor.sizes().vec()});
  return {{"sections", keepsake.sections},        {"step", keepsake.step},
          {"phase", int(keepsake.phase)},         {"values", state.values},
          {"from_step", keepsake.deal.from_step}, {"taken", keepsake.deal.taken},
          {"workers", keepsake.workers},          {"loss", keepsake.loss},
          {"tensors", std::move(tensors)}};
}

WorkerState take_over(Keepsake& keepsake, const Json& json) {
  keepsake.sections = json.at("sections");
  keepsake.step = json.at("step");
  keepsake.phase = static_cast<Keepsake::Phase>(json.at("phase").get<int>());
  keepsake.deal = {json.at("from_step"), json.at("taken")};
  keepsake.workers = json.at("workers");
  keepsake.loss = json.at("loss");
  WorkerState state{.tensors = {}, .values = json.at("values")};
  for (const Json& tensor : json.at("tensors")) {
    const auto type = static_cast<at::ScalarType>(tensor[1].get<int>());
    state.tensors.push_back({tensor[0], at::empty(tensor[2].get<std::vector<int64_t>>(), type)});
  }
  return state;
}

// What one worker stands at, to all that are new; its own random numbers everyone keeps.
void bring(Keepsake& keepsake, Communicator& comm, int from, bool newcomer) {
  const bool mine = comm.rank() == from;
  const std::string text =
      comm.all_gather_text(mine ? to_line(to_json(keepsake, *keepsake.standing())) : "")
          .at(static_cast<size_t>(from));
  const Json json = Json::parse(text);
  Keepsake other;  // of a worker that has all of it
  WorkerState state = take_over(newcomer ? keepsake : other, json);
  if (mine) state = *keepsake.standing();
  for (auto& [name, tensor] : state.tensors) {
    at::Tensor whole = tensor.cpu().contiguous();
    if (whole.numel() > 0) comm.broadcast(whole, from);
    if (!mine) tensor = whole;
  }
  if (!newcomer) return;
  std::erase_if(state.tensors, [](const NamedTensor& t) { return t.name == "generator"; });
  (keepsake.phase == Keepsake::Phase::kCommitted ? keepsake.after : keepsake.before) =
      std::move(state);
}

}  // namespace

Keepsake::Keepsake() = default;
Keepsake::~Keepsake() = default;

const WorkerState* Keepsake::standing() const {
  const auto& state = phase == Keepsake::Phase::kCommitted ? after : before;
  return state ? &*state : nullptr;
}

void Keepsake::deal_out(int64_t step) {
  deal = {.from_step = step, .taken = deal.taken + (step - deal.from_step) * workers};
}

std::string Keepsake::word() const {
  if (standing() == nullptr) return "";
  return to_line({{"sections", sections}, {"done", phase == Keepsake::Phase::kDone}});
}

int settle(Keepsake& keepsake, Communicator& comm, const std::vector<std::string>& words) {
  int64_t committed = -1;
  for (const std::string& word : words) committed = std::max(committed, Word::parse(word).sections);
  int leader = -1;
  bool newcomers = false;
  for (int rank = comm.size() - 1; rank >= 0; --rank) {
    const bool there =
        committed >= 0 && Word::parse(words[static_cast<size_t>(rank)]).comes_to(committed);
    if (there) leader = rank;
    newcomers = newcomers || !there;
  }
  if (leader >= 0) {
    const Word mine = Word::parse(words[static_cast<size_t>(comm.rank())]);
    if (mine.comes_to(committed) && mine.sections < committed) {
      keepsake.sections = committed;
      keepsake.phase = Keepsake::Phase::kCommitted;
      keepsake.step = Json::parse(keepsake.after->values).at("step");
    } else if (keepsake.phase == Keepsake::Phase::kDone) {
      keepsake.phase = Keepsake::Phase::kOpen;
    }
    if (newcomers) bring(keepsake, comm, leader, !mine.comes_to(committed));
    keepsake.deal_out(keepsake.step);
  }
  keepsake.workers = comm.size();
  return leader;
}

}  // namespace valley
