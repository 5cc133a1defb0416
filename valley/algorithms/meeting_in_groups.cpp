#include "valley/algorithms/meeting_in_groups.h"

#include <ATen/ops/scalar_tensor.h>

#include <cstdlib>
#include <utility>

#include "valley/core/cores.h"
#include "valley/core/random.h"

namespace valley {
namespace {

const std::string kWithin = "within.";

// The same for all workers of a machine, and for no other but once in 2^31.
int color_of_machine() {
  const auto view =
      view_of_cores([](const char* name) -> const char* { return std::getenv(name); });
  return static_cast<int>(derive_seed(0, 0, view.machine) >> 33);
}

void gather_anew(Meeting& meeting, Communicator& comm) {
  meeting.forget();
  meeting.set_rank(comm.rank());
  meeting.gather(comm);
}

}  // namespace

MeetingInGroups::MeetingInGroups(const Hierarchy& hierarchy, int64_t fragments,
                                 std::unique_ptr<Meeting> within, std::unique_ptr<Meeting> of_all,
                                 std::shared_ptr<HierarchyLevel> level)
    : hierarchy_(hierarchy),
      fragments_(fragments),
      within_(std::move(within)),
      of_all_(std::move(of_all)),
      level_(std::move(level)) {}

void MeetingInGroups::prepare(int workers) {
  check_groups(hierarchy_, workers);
  of_all_->prepare(workers);
}

void MeetingInGroups::gather(Communicator& comm) {
  const auto size = static_cast<int>(hierarchy_.group_size);
  group_ = comm.split(size > 0 ? comm.rank() / size : color_of_machine());
  within_->prepare(group_->size());
  gather_anew(*within_, *group_);
  gather_anew(*of_all_, comm);
}

void MeetingInGroups::begin(const at::Tensor& x) {
  level_->outer = true;
  within_->begin(x);
  of_all_->begin(x);
}

void MeetingInGroups::on_gradient(const StepInfo& info, at::Tensor& x, at::Tensor& g) {
  of_all_->on_gradient(info, x, g);
}

void MeetingInGroups::after_local_step(const StepInfo& info, int64_t, at::Tensor& x) {
  of_all_->after_local_step(info, hierarchy_.periods.outer, x);
}

Meeting& MeetingInGroups::meeting_of(int64_t round) {
  level_->outer = hierarchy_.outer((round - 1) / fragments_);
  return meeting();
}

PendingRound MeetingInGroups::meet(Communicator& comm, const at::Tensor& x, int64_t round) {
  Meeting& meeting = meeting_of(round);
  return meeting.meet(among(comm), x, round);
}

void MeetingInGroups::start(Communicator& comm, const at::Tensor& x, int64_t round) {
  Meeting& meeting = meeting_of(round);
  meeting.start(among(comm), x, round);
}

void MeetingInGroups::append_to(AlgorithmState& state) const {
  of_all_->append_to(state);
  state.emplace_back("outer", at::scalar_tensor(int64_t{level_->outer}, at::kLong));
  AlgorithmState own;
  within_->append_to(own);
  append_under(kWithin, own, state);
}

void MeetingInGroups::load(const AlgorithmState& state) {
  of_all_->load(state);
  level_->outer = state_entry(state, "outer", at::kLong, 1).item<int64_t>() != 0;
  within_->load(entries_under(kWithin, state));
}

}  // namespace valley
