#include "valley/comm/mpi_communicator.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "valley/comm/group.h"
#include "valley/comm/mesh_communicator.h"
#include "valley/core/error.h"

namespace valley {
namespace {

class MpiCommunicator : public MeshCommunicator<MpiMesh> {
 public:
  MpiCommunicator(MpiLibrary& mpi, const MpiMesh::Group& group,
                  std::shared_ptr<const ProcessWatch> watch, double timeout_seconds,
                  const StallWatch& stalls)
      : MeshCommunicator(group.rank, group.ranks, "mpi",
                         std::make_unique<MpiMesh>(mpi, group, std::move(watch), timeout_seconds)),
        timeout_seconds_(timeout_seconds),
        stalls_(stalls) {
    tell_of_stalls(stalls_.seconds, stalls_.tell);
  }

  ~MpiCommunicator() override {
    finish_started();
    if (!failed_)
      mesh().tell(sequence(), {Failure::kLeft, global_rank(rank()), left_after(sequence())});
  }

 protected:
  // The workers of the part take the largest number that one of them would give it: so no two
  // groups of a worker have the same.
  std::unique_ptr<Communicator> do_split(Call& call, const std::vector<int>& members) override {
    if (members.size() == 1) return make_solo(global_rank(rank()));
    std::vector<int64_t> numbers(members.size(), mesh().mpi().next_group());
    std::vector<Part> sends, receives;
    MpiMesh::Group group{.ranks = global_ranks_of(members)};
    const int64_t mine = mesh().mpi().next_group();
    for (size_t i = 0; i < members.size(); ++i) {
      if (members[i] == rank()) {
        group.rank = static_cast<int>(i);
        continue;
      }
      sends.push_back({members[i], &mine, sizeof(mine)});
      receives.push_back({members[i], &numbers[i], sizeof(mine)});
    }
    transfer_or_fail(call, sends, receives);
    group.number = *std::max_element(numbers.begin(), numbers.end());
    return make_mpi_worker(mesh().mpi(), std::move(group), mesh().watch(), timeout_seconds_,
                           stalls_);
  }

  // What this worker has finished the others can finish, too.
  void do_lose(int global_rank, const std::string& reason) noexcept override {
    aborted_ = true;
    if (!failed_.exchange(true)) mesh().tell(finished(), {Failure::kLost, global_rank, reason});
    mesh().mpi().expect_orderly_end(false);
    mesh().close();
  }

 private:
  [[noreturn]] void end_group(const Call& call, const Failure& failure) override {
    // What a worker still said of an operation that it has given up is no call.
    if (const auto told = mesh().told_lately(call.sequence)) fail(call, now_seconds(), *told);
    publish(call, failure);
    throw CommError(failure.text);
  }

  [[noreturn]] void fail(const Call& call, double start, const PeerError& error) override {
    const double waited = now_seconds() - start;
    const int self = global_rank(rank());
    if (aborted_) throw CommError(fmt::format("rank {} has left the group", self));
    const auto* told = dynamic_cast<const ToldOfFailure*>(&error);
    const Failure cause = told ? told->failure
                          : error.timed_out
                              ? Failure{Failure::kTimeout, self,
                                        timeout_text(call, waited, awaited(call, error.peer))}
                              : Failure{Failure::kLost, global_rank(error.peer), error.what()};
    if (told) {
      failed_ = true;
    } else {
      publish(call, cause);
    }
    mesh().close();
    cause.raise(self, call, waited);
  }

  // Others may be through with the operation before this one, and not with this one.
  void publish(const Call& call, const Failure& failure) {
    if (!failed_.exchange(true)) mesh().tell(call.sequence - 1, failure);
    mesh().mpi().expect_orderly_end(false);
  }

  const double timeout_seconds_;
  const StallWatch stalls_;
  std::atomic<bool> failed_ = false, aborted_ = false;
};

}  // namespace

std::unique_ptr<Communicator> make_mpi_worker(MpiLibrary& mpi, MpiMesh::Group group,
                                              std::shared_ptr<const ProcessWatch> watch,
                                              double timeout_seconds, const StallWatch& stalls) {
  mpi.take_group(group.number);
  return std::make_unique<MpiCommunicator>(mpi, group, std::move(watch), timeout_seconds, stalls);
}

}  // namespace valley
