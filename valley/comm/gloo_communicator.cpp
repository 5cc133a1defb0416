#include "valley/comm/gloo_communicator.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "valley/comm/address.h"
#include "valley/comm/failure.h"
#include "valley/comm/group.h"
#include "valley/comm/meeting.h"
#include "valley/comm/mesh_communicator.h"
#include "valley/comm/ranks.h"
#include "valley/comm/tcp_mesh.h"
#include "valley/comm/traffic.h"
#include "valley/core/clock.h"
#include "valley/core/error.h"

namespace valley {
namespace {

constexpr double kLingerSeconds = 5;    // see ~GlooCommunicator
constexpr double kObituarySeconds = 1;  // a launcher needs a moment to see that a worker died

class GlooCommunicator : public MeshCommunicator<TcpMesh>, public CountsTraffic {
 public:
  explicit GlooCommunicator(GlooWorker worker)
      : MeshCommunicator(worker.options.rank, std::move(worker.global_ranks),
                         std::move(worker.backend),
                         std::make_unique<TcpMesh>(worker.options, *worker.store)),
        options_(std::move(worker.options)),
        store_(std::move(worker.store)),
        exits_(std::move(worker.exits)),
        hosts_(worker.hosts) {
    tell_of_stalls(options_.stall_seconds, options_.on_stall);
  }

  ~GlooCommunicator() override {
    finish_started();
    try {
      if (!failed_) {
        store_->set(key("left/", rank()), left_after(sequence()));
      } else if (hosts_) {
        // The others read the cause of the failure here; without the store they would blame
        // this worker.
        const double deadline = now_seconds() + std::min(kLingerSeconds, options_.timeout_seconds);
        for (int other = 0; other < size(); ++other) {
          if (other == rank() || other == culprit_) continue;
          store_->wait(key("seen/", other), std::max(0.0, deadline - now_seconds()));
        }
      }
    } catch (const std::exception&) {  // the store is gone, and with it everybody who could read
    }
    mesh().close();  // before the store that lives here ends
  }

  Traffic traffic() const override { return mesh().traffic(); }

 protected:
  std::unique_ptr<Communicator> do_split(Call& call, const std::vector<int>& members) override {
    if (members.size() == 1) return make_solo(global_rank(rank()));
    GlooWorker worker{
        .options = options_,
        .global_ranks = global_ranks_of(members),
        .store = with_prefix(store_, fmt::format("split/{}/{}", call.sequence, members.front())),
        .exits = exits_,
        .start = now_seconds(),
        .backend = std::string(backend())};
    const auto place = std::find(members.begin(), members.end(), rank()) - members.begin();
    worker.options.rank = static_cast<int>(place);
    worker.options.size = static_cast<int>(members.size());
    return connect_gloo(std::move(worker));
  }

  void do_lose(int global_rank, const std::string& reason) noexcept override {
    try {
      aborted_ = true;
      if (!failed_) publish({Failure::kLost, global_rank, reason});
    } catch (...) {  // the closed connections will have to tell
    }
    mesh().close();
  }

 private:
  static std::string key(const char* prefix, int rank) { return prefix + std::to_string(rank); }

  // The first failure to reach the store is the cause of all others. Returns it.
  Failure publish(const Failure& failure) {
    failed_ = true;
    Failure cause = failure;
    try {
      cause = Failure::decode(store_->set_if_absent("failure", failure.encode()));
      store_->set(key("seen/", rank()), "");
    } catch (const CommError&) {
      // Nobody hosts the store any more: if it was rank 0, then that is what happened first.
      if (options_.host_store && !hosts_ && failure.kind != Failure::kMismatch) {
        cause = {Failure::kLost, 0, "connection closed, its store is gone"};
      }
    }
    if (cause.lost()) culprit_ = cause.culprit;
    return cause;
  }

  [[noreturn]] void end_group(const Call&, const Failure& failure) override {
    publish(failure);
    throw CommError(failure.text);
  }

  [[noreturn]] void fail(const Call& call, double start, const PeerError& error) override {
    const double waited = now_seconds() - start;
    const int self = global_rank(rank());
    if (aborted_) throw CommError(fmt::format("rank {} has left the group", self));
    const Failure mine = error.timed_out
                             ? Failure{Failure::kTimeout, self,
                                       timeout_text(call, waited, awaited(call, error.peer))}
                             : how_lost(error.peer);
    const Failure cause = publish(mine);
    mesh().close();
    cause.raise(self, call, waited);
  }

  Failure how_lost(int peer) {
    const int culprit = global_rank(peer);
    try {
      const double deadline = now_seconds() + (options_.watched ? kObituarySeconds : 0);
      while (true) {
        if (auto reason = store_->get(key("left/", peer))) {
          return {Failure::kLeft, culprit, *reason};
        }
        if (auto reason = exits_->get(key("exit/", culprit))) {
          return {Failure::kLost, culprit, *reason};
        }
        if (store_->get("failure")) break;  // will be read by publish()
        if (now_seconds() >= deadline) break;
        exits_->wait(key("exit/", culprit), 0.05);
      }
    } catch (const CommError&) {  // publish() looks into it
    }
    return {Failure::kLost, culprit, "connection closed"};
  }

  const JoinOptions options_;
  std::shared_ptr<Store> store_, exits_;
  const bool hosts_;
  std::atomic<bool> failed_ = false;
  std::atomic<bool> aborted_ = false;
  std::atomic<int> culprit_ = -1;  // global rank
};

}  // namespace

std::unique_ptr<Communicator> connect_gloo(GlooWorker worker) {
  const JoinOptions options = worker.options;
  const std::vector<int> global_ranks = worker.global_ranks;
  const std::shared_ptr<Store> store = worker.store;
  const double start = worker.start;
  const auto seconds_left = [&] {
    return std::max(0.0, options.timeout_seconds - (now_seconds() - start));
  };
  std::unique_ptr<Communicator> comm;
  try {
    comm = std::make_unique<GlooCommunicator>(std::move(worker));
  } catch (const CommError&) {
    throw;
  } catch (const std::exception& error) {
    throw CommError(fmt::format("rank {} at {} could not connect to all others after {:.1f} s: {}",
                                global_ranks[static_cast<size_t>(options.rank)], options.address,
                                now_seconds() - start, error.what()));
  }
  // A worker with little to do could be through and gone while others still connect to it.
  store->set(fmt::format("ready/{}", options.rank),
             Place{options.address, interface_of(options.address)}.encode());
  auto missing = wait_for_ranks(*store, "ready/", options.size, seconds_left());
  if (!missing.empty()) {
    for (int& rank : missing) rank = global_ranks[static_cast<size_t>(rank)];
    throw CommError(fmt::format("{} did not connect to all others within {:.1f} s",
                                name_ranks(missing), now_seconds() - start));
  }
  return comm;
}

}  // namespace valley
