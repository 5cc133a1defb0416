#include "valley/comm/family.h"

#include "valley/core/error.h"

namespace valley {

void Communicator::Family::enter(Communicator& member) {
  const std::lock_guard lock(mutex_);
  members_.push_back(&member);
}

void Communicator::Family::leave(Communicator& member) {
  const std::lock_guard lock(mutex_);
  std::erase(members_, &member);
  for (Communicator* other : members_)
    if (other->parent_ == &member) other->parent_ = nullptr;
}

void Communicator::Family::fail(const std::string& text, const Communicator& where, int global_rank,
                                const std::string& reason) noexcept {
  const std::lock_guard lock(mutex_);
  if (!failure_.empty()) return;
  failure_ = text;
  for (Communicator* member : members_)
    if (member != &where) member->do_lose(global_rank, reason);
}

void Communicator::Family::abort(const std::string& reason) noexcept {
  const std::lock_guard lock(mutex_);
  for (Communicator* member : members_)
    member->do_lose(member->global_rank(member->rank()), reason);
}

void Communicator::Family::throw_if_failed() {
  const std::lock_guard lock(mutex_);
  if (!failure_.empty()) throw CommError("the group has ended: " + failure_);
}

void Communicator::Family::add(Communicator& member, Operation operation,
                               const OperationStats& more) {
  const std::lock_guard lock(mutex_);
  for (Communicator* one = &member; one != nullptr; one = one->parent_)
    one->stats_[static_cast<size_t>(operation)] += more;
}

}  // namespace valley
