#include "valley/comm/gloo_communicator.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>

#include "valley/comm/address.h"
#include "valley/comm/failure.h"
#include "valley/comm/gloo_all_reduce.h"
#include "valley/comm/group.h"
#include "valley/comm/header.h"
#include "valley/comm/host_communicator.h"
#include "valley/comm/meeting.h"
#include "valley/comm/ranks.h"
#include "valley/comm/tcp_mesh.h"
#include "valley/core/clock.h"
#include "valley/core/error.h"

namespace valley {
namespace {

constexpr double kLingerSeconds = 5;    // see ~GlooCommunicator
constexpr double kObituarySeconds = 1;  // a launcher needs a moment to see that a worker died
constexpr uint64_t kHeaderSlot = 0;     // slots of one operation; see slot()
constexpr uint64_t kDataSlot = 1;       // the first of them for the ring
constexpr uint64_t kSlotsPerCall = 1 << 16;

class GlooCommunicator : public HostCommunicator {
 public:
  explicit GlooCommunicator(GlooWorker worker)
      : HostCommunicator(worker.options.rank, std::move(worker.global_ranks),
                         /*shares_memory=*/false),
        options_(std::move(worker.options)),
        backend_(std::move(worker.backend)),
        store_(std::move(worker.store)),
        exits_(std::move(worker.exits)),
        hosts_(worker.hosts),
        mesh_(options_, *store_),
        headers_(rank(), global_ranks()) {
    for (int peer = 0; peer < size(); ++peer) {
      header_in_.push_back(std::make_unique<TcpMesh::Buffer>(mesh_, &headers_.from(peer)));
      header_out_.push_back(std::make_unique<TcpMesh::Buffer>(mesh_, &headers_.to(peer)));
    }
    expect_headers(1);
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
  }

  std::string_view backend() const override { return backend_; }

 protected:
  void sum_in_chunks(Call& call, const at::Tensor& in, at::Tensor& out,
                     const ChunkCallback& on_chunk) override {
    run(call, {}, {}, [&] {
      const AllReduceOptions options{slot(call, kDataSlot), &scratch_};
      const auto sum = [&](auto type) {
        using T = decltype(type);
        gloo_all_reduce(mesh_, options, in.data_ptr<T>(), out.data_ptr<T>(), call.numel, on_chunk);
      };
      call.dtype == at::kFloat ? sum(float()) : sum(double());
    });
  }

  void do_all_gather(Call& call, const at::Tensor& in, at::Tensor& out) override {
    run(call, {}, {}, [&] {
      const auto bytes = static_cast<int64_t>(in.nbytes());
      std::vector<Part> sends, receives;
      for (int peer = 0; peer < size(); ++peer) {
        void* place = static_cast<char*>(out.data_ptr()) + peer * bytes;
        if (peer == rank()) {
          copy_bytes(place, in.data_ptr(), in.nbytes());
        } else {
          sends.push_back({peer, in.data_ptr(), bytes});
          receives.push_back({peer, place, bytes});
        }
      }
      transfer(call, sends, receives);
    });
  }

  // A binomial tree: in turn k, ranks (counted from the root) below 2^k send to the one 2^k on.
  void do_broadcast(Call& call, at::Tensor& x) override {
    run(call, {}, {}, [&] {
      const auto bytes = static_cast<int64_t>(x.nbytes());
      const int turned = (rank() - call.root + size()) % size();
      const auto part = [&](int r) { return Part{(r + call.root) % size(), x.data_ptr(), bytes}; };
      std::vector<Part> sends;
      int step = 1;
      for (; step <= turned; step *= 2) {
      }
      if (turned > 0) transfer(call, {}, {part(turned - step / 2)});
      for (; turned + step < size(); step *= 2) sends.push_back(part(turned + step));
      transfer(call, sends, {});
    });
  }

  void do_exchange(Call& call, const std::vector<Message>& sends,
                   const std::vector<Message>& receives) override {
    run(call, to_parts(sends), to_parts(receives), [&] {
      if (auto text = headers_.unmatched_message(call))
        end_group({Failure::kMismatch, global_rank(rank()), *text});
      transfer(call, to_parts(sends), to_parts(receives));
    });
  }

  void do_barrier(Call& call) override {
    run(call, {}, {}, [] {});
  }

  std::vector<std::string> do_all_gather_text(Call& call, const std::string& text) override {
    std::vector<std::string> texts(static_cast<size_t>(size()));
    const std::vector<Part> sends = to_everybody(text, rank(), size());
    run(call, sends, {}, [&] {
      std::vector<Part> receives;
      texts[static_cast<size_t>(rank())] = text;
      for (int peer = 0; peer < size(); ++peer) {
        if (peer == rank()) continue;
        std::string& place = texts[static_cast<size_t>(peer)];
        place.resize(headers_.text_bytes(peer));
        receives.push_back({peer, place.data(), static_cast<int64_t>(place.size())});
      }
      transfer(call, sends, receives);
    });
    return texts;
  }

  std::unique_ptr<Communicator> do_split(Call& call, const std::vector<int>& members) override {
    if (members.size() == 1) return make_solo(global_rank(rank()));
    GlooWorker worker{
        .options = options_,
        .global_ranks = global_ranks_of(members),
        .store = with_prefix(store_, fmt::format("split/{}/{}", call.sequence, members.front())),
        .exits = exits_,
        .start = now_seconds(),
        .backend = backend_};
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
    mesh_.close();
  }

 private:
  static std::string key(const char* prefix, int rank) { return prefix + std::to_string(rank); }

  static uint64_t slot(const Call& call, uint64_t index) {
    return static_cast<uint64_t>(call.sequence) * kSlotsPerCall + index;
  }

  template <typename Transfer>
  void run(Call& call, const std::vector<Part>& sends, const std::vector<Part>& receives,
           const Transfer& transfer) {
    const double start = now_seconds();
    try {
      exchange_headers(call, sends, receives);
      transfer();
    } catch (const PeerError& error) {
      fail(call, start, error);
    }
  }

  // Receives are posted one operation ahead: a header finds its place waiting, whoever is waited
  // for when it comes.
  void expect_headers(int64_t sequence) {
    Call next;
    next.sequence = sequence;
    for (int peer = 0; peer < size(); ++peer) {
      if (peer == rank()) continue;
      headers_.from(peer).sequence = 0;
      try {
        header_in_[static_cast<size_t>(peer)]->receive(peer, slot(next, kHeaderSlot), 0,
                                                       sizeof(Header));
      } catch (const PeerError&) {  // a peer that has already left; the next operation, if any,
      }                             // finds out when it sends
    }
  }

  void exchange_headers(Call& call, const std::vector<Part>& sends,
                        const std::vector<Part>& receives) {
    headers_.tell(call, sends, receives);
    const auto for_each_peer = [&](auto f) {
      for (int peer = 0; peer < size(); ++peer) {
        if (peer != rank()) f(peer, static_cast<size_t>(peer));
      }
    };
    for_each_peer([&](int peer, size_t p) {
      header_out_[p]->send(peer, slot(call, kHeaderSlot), 0, sizeof(Header));
    });
    for_each_peer([&](int peer, size_t p) { header_in_[p]->wait_received(peer); });
    call.met = now_seconds();
    for_each_peer([&](int peer, size_t p) { header_out_[p]->wait_sent(peer); });

    const std::optional<std::string> difference = headers_.compare(call);
    expect_headers(call.sequence + 1);
    if (difference) end_group({Failure::kMismatch, global_rank(rank()), *difference});
  }

  void transfer(const Call& call, const std::vector<Part>& sends,
                const std::vector<Part>& receives) {
    const uint64_t data = slot(call, kDataSlot);
    std::vector<std::pair<int, std::unique_ptr<TcpMesh::Buffer>>> in, out;
    for (const Part& part : receives) {
      if (part.bytes == 0) continue;
      in.emplace_back(part.peer, std::make_unique<TcpMesh::Buffer>(mesh_, part.data));
      in.back().second->receive(part.peer, data, 0, part.bytes);
    }
    for (const Part& part : sends) {
      if (part.bytes == 0) continue;
      out.emplace_back(part.peer, std::make_unique<TcpMesh::Buffer>(mesh_, part.data));
      out.back().second->send(part.peer, data, 0, part.bytes);
    }
    for (auto& [peer, buffer] : in) buffer->wait_received(peer);
    for (auto& [peer, buffer] : out) buffer->wait_sent(peer);
  }

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

  [[noreturn]] void end_group(const Failure& failure) {
    publish(failure);
    throw CommError(failure.text);
  }

  [[noreturn]] void fail(const Call& call, double start, const PeerError& error) {
    const double waited = now_seconds() - start;
    const int self = global_rank(rank());
    if (aborted_) throw CommError(fmt::format("rank {} has left the group", self));
    const Failure mine = error.timed_out
                             ? Failure{Failure::kTimeout, self,
                                       timeout_text(call, waited, awaited(call, error.peer))}
                             : how_lost(error.peer);
    const Failure cause = publish(mine);
    mesh_.close();
    cause.raise(self, call, waited);
  }

  // All ranks whose header has not arrived, or, if all have, the one that went silent later.
  std::vector<int> awaited(const Call& call, int peer) const {
    std::vector<int> ranks = headers_.missing(call);
    if (ranks.empty()) ranks.push_back(peer);
    return global_ranks_of(ranks);
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
  const std::string backend_;
  std::shared_ptr<Store> store_, exits_;
  const bool hosts_;
  std::atomic<bool> failed_ = false;
  std::atomic<bool> aborted_ = false;
  std::atomic<int> culprit_ = -1;  // global rank
  std::vector<char> scratch_;
  TcpMesh mesh_;
  Headers headers_;  // the mesh writes and reads them
  std::vector<std::unique_ptr<TcpMesh::Buffer>> header_in_, header_out_;  // before mesh_ dies
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
