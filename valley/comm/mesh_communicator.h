#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "valley/comm/chunks.h"
#include "valley/comm/clock_offset.h"
#include "valley/comm/failure.h"
#include "valley/comm/gloo_all_reduce.h"
#include "valley/comm/header.h"
#include "valley/comm/host_communicator.h"
#include "valley/comm/peer_error.h"
#include "valley/core/clock.h"

namespace valley {

/// All operations, by messages between pairs of workers: those of a TcpMesh or an MpiMesh. An
/// operation starts with 64 bytes from everyone to everyone, see Headers; all_reduce is
/// gloo_all_reduce(), so that all meshes have the same bits; all_gather and exchange are direct;
/// broadcast is a binomial tree. What becomes of a failure, the backend says.
template <typename Mesh>
class MeshCommunicator : public HostCommunicator, public HasClocks {
 public:
  std::string_view backend() const override { return backend_; }

  void compare_clocks() override {
    try {
      rank() == 0 ? show_clock() : look_at_clock();
    } catch (const PeerError&) {  // the next operation finds out, too, and tells
    }
  }
  ClockOffset clock_offset() const override { return clock_offset_; }

 protected:
  MeshCommunicator(int rank, std::vector<int> global_ranks, std::string backend,
                   std::unique_ptr<Mesh> mesh)
      : HostCommunicator(rank, std::move(global_ranks), /*shares_memory=*/false),
        backend_(std::move(backend)),
        mesh_(std::move(mesh)),
        headers_(rank, this->global_ranks()) {
    for (int peer = 0; peer < size(); ++peer) {
      header_in_.push_back(std::make_unique<Buffer>(*mesh_, &headers_.from(peer)));
      header_out_.push_back(std::make_unique<Buffer>(*mesh_, &headers_.to(peer)));
    }
    expect_headers(1);
  }

  /// A message did not come through. Tells the others and throws what this worker is to throw.
  [[noreturn]] virtual void fail(const Call& call, double start, const PeerError& error) = 0;

  /// The workers' calls do not go together. The same.
  [[noreturn]] virtual void end_group(const Call& call, const Failure& failure) = 0;

  void sum_in_chunks(Call& call, const at::Tensor& in, at::Tensor& out,
                     const ChunkCallback& on_chunk) override {
    run(call, {}, {}, [&] {
      const AllReduceOptions options{slot(call, kDataSlot), &scratch_};
      const auto sum = [&](auto type) {
        using T = decltype(type);
        gloo_all_reduce(*mesh_, options, in.data_ptr<T>(), out.data_ptr<T>(), call.numel, on_chunk);
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
        end_group(call, {Failure::kMismatch, global_rank(rank()), *text});
      transfer(call, to_parts(sends), to_parts(receives));
    });
  }

  void do_barrier(Call& call) override {
    run(call, {}, {}, [] {});
  }

  std::vector<std::string> do_all_gather_text(Call& call, const std::string& text) override {
    std::vector<std::string> texts(static_cast<size_t>(size()));
    const std::vector<Part> sends = text_to(call.root, text, rank(), size());
    run(call, sends, {}, [&] {
      std::vector<Part> receives;
      texts[static_cast<size_t>(rank())] = text;
      if (call.root >= 0 && call.root != rank()) return transfer(call, sends, {});
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

  /// Messages of an operation whose headers have been exchanged.
  void transfer(const Call& call, const std::vector<Part>& sends,
                const std::vector<Part>& receives) {
    const uint64_t data = slot(call, kDataSlot);
    std::vector<std::pair<int, std::unique_ptr<Buffer>>> in, out;
    for (const Part& part : receives) {
      if (part.bytes == 0) continue;
      in.emplace_back(part.peer, std::make_unique<Buffer>(*mesh_, part.data));
      in.back().second->receive(part.peer, data, 0, part.bytes);
    }
    for (const Part& part : sends) {
      if (part.bytes == 0) continue;
      out.emplace_back(part.peer, std::make_unique<Buffer>(*mesh_, part.data));
      out.back().second->send(part.peer, data, 0, part.bytes);
    }
    for (auto& [peer, buffer] : in) buffer->wait_received(peer);
    for (auto& [peer, buffer] : out) buffer->wait_sent(peer);
  }

  /// A transfer() of its own; what does not come through is a failure of that operation.
  void transfer_or_fail(const Call& call, const std::vector<Part>& sends,
                        const std::vector<Part>& receives) {
    const double start = now_seconds();
    try {
      transfer(call, sends, receives);
    } catch (const PeerError& error) {
      fail(call, start, error);
    }
  }

  /// By global rank: all whose header has not arrived, or, if all have, the one that went silent
  /// later.
  std::vector<int> awaited(const Call& call, int peer) const {
    std::vector<int> ranks = headers_.missing(call);
    if (ranks.empty()) ranks.push_back(peer);
    return global_ranks_of(ranks);
  }

  /// Who waits for others tells it: of those that wait the one of the lowest rank.
  void tell_of_stalls(double seconds, std::function<void(const std::string&)> tell) {
    if (!tell) return;
    mesh_->on_stall(seconds, [this, tell = std::move(tell)](int peer, double waited) {
      if (call_ == nullptr) return;
      const std::vector<int> missing = awaited(*call_, peer);
      for (const int rank : this->global_ranks()) {
        if (std::find(missing.begin(), missing.end(), rank) != missing.end()) continue;
        if (rank == global_rank(this->rank())) tell(stall_text(*call_, waited, missing));
        return;
      }
    });
  }

  /// The number of the last operation that has gone through here.
  int64_t finished() const { return finished_; }

  Mesh& mesh() { return *mesh_; }
  const Mesh& mesh() const { return *mesh_; }

 private:
  using Buffer = typename Mesh::Buffer;

  // Slots of one operation, see slot().
  static constexpr uint64_t kHeaderSlot = 0;
  static constexpr uint64_t kDataSlot = 1;  // the first of them for the ring

  static constexpr int kClockTrips = 4;
  static constexpr uint64_t kClockSlot = kDataSlot;  // of no operation: they count from 1
  static constexpr auto kClockBytes = static_cast<int64_t>(sizeof(double));

  void show_clock() {
    std::vector<double> asked(static_cast<size_t>(size())), answers(asked.size());
    Buffer in(*mesh_, asked.data()), out(*mesh_, answers.data());
    for (int trip = 0; trip < kClockTrips; ++trip) {
      for (int peer = 1; peer < size(); ++peer)
        in.receive(peer, kClockSlot, peer * kClockBytes, kClockBytes);
      for (int peer = 1; peer < size(); ++peer) {
        in.wait_received(peer);
        answers[static_cast<size_t>(peer)] = now_seconds();
        out.send(peer, kClockSlot, peer * kClockBytes, kClockBytes);
      }
      for (int peer = 1; peer < size(); ++peer) out.wait_sent(peer);
    }
  }

  void look_at_clock() {
    double question = 0, answer = 0;
    Buffer out(*mesh_, &question), in(*mesh_, &answer);
    for (int trip = 0; trip < kClockTrips; ++trip) {
      const double begin = now_seconds();
      in.receive(0, kClockSlot, 0, kClockBytes);
      out.send(0, kClockSlot, 0, kClockBytes);
      in.wait_received(0);
      const double half = (now_seconds() - begin) / 2;
      out.wait_sent(0);
      if (trip == 0 || half < clock_offset_.within) clock_offset_ = {begin + half - answer, half};
    }
  }

  static uint64_t slot(const Call& call, uint64_t index) {
    return static_cast<uint64_t>(call.sequence) * kSlotsPerCall + index;
  }

  template <typename Transfer>
  void run(Call& call, const std::vector<Part>& sends, const std::vector<Part>& receives,
           const Transfer& transfer) {
    const double start = now_seconds();
    call_ = &call;
    try {
      exchange_headers(call, sends, receives);
      transfer();
      finished_ = call.sequence;
      call_ = nullptr;
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
    if (difference) end_group(call, {Failure::kMismatch, global_rank(rank()), *difference});
  }

  const std::string backend_;
  ClockOffset clock_offset_;
  std::vector<char> scratch_;
  std::atomic<int64_t> finished_ = 0;
  const Call* call_ = nullptr;  // under way
  std::unique_ptr<Mesh> mesh_;
  Headers headers_;                                              // the mesh writes and reads them
  std::vector<std::unique_ptr<Buffer>> header_in_, header_out_;  // before mesh_ dies
};

}  // namespace valley
