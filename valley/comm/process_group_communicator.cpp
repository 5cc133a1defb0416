#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <optional>
#include <tuple>
#include <utility>

#include "valley/comm/address.h"
#include "valley/comm/c10d_store.h"
#include "valley/comm/chunks.h"
#include "valley/comm/failure.h"
#include "valley/comm/gloo_all_reduce.h"
#include "valley/comm/gloo_communicator.h"
#include "valley/comm/group.h"
#include "valley/comm/group_mesh.h"
#include "valley/comm/header.h"
#include "valley/comm/lookout.h"
#include "valley/comm/process_group.h"
#include "valley/comm/ranks.h"
#include "valley/comm/tcp_mesh.h"
#include "valley/core/clock.h"
#include "valley/core/error.h"

namespace valley {
namespace {

using Group = c10::intrusive_ptr<c10d::ProcessGroup>;
using GroupWork = c10::intrusive_ptr<c10d::Work>;

constexpr double kHostLingerSeconds = 5;  // see ~ProcessGroupCommunicator
// Tags of a communicator, from its first one on.
enum Tag { kHeaderTag, kMessageTag, kProbeTag, kSumTag };
constexpr int kTags = 1 << 13;

// Memory of a tensor as one vector that autograd knows nothing of; keeps it alive.
at::Tensor flat(const at::Tensor& x) {
  return at::from_blob(
      x.data_ptr(), {x.numel()}, [x](void*) {}, at::device(x.device()).dtype(x.scalar_type()));
}

at::Tensor bytes_of(const at::Tensor& x) {
  return at::from_blob(
      x.data_ptr(), {static_cast<int64_t>(x.nbytes())}, [x](void*) {},
      at::device(x.device()).dtype(at::kByte));
}

std::string from_environment() {
  const char* interface = std::getenv("GLOO_SOCKET_IFNAME");
  return interface ? interface : "";
}

// The same on all workers.
int first_tag(const std::string& prefix) {
  uint32_t hash = 2166136261;  // FNV-1a
  for (const char c : prefix) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619;
  return (1 << 30) + static_cast<int>(hash % (1 << 16)) * kTags;
}

class ProcessGroupCommunicator : public Communicator {
 public:
  ProcessGroupCommunicator(Group group, ProcessGroupOptions options, std::vector<int> global_ranks)
      : Communicator(group->getRank(), std::move(global_ranks)),
        options_(std::move(options)),
        interface_(!options_.interface.empty() ? options_.interface : from_environment()),
        capabilities_{.devices = options_.devices, .sums = {at::kFloat, at::kDouble}},
        group_(std::move(group)),
        talk_(options_.side_group ? options_.side_group : group_),
        tag_(first_tag(options_.prefix)),
        headers_(rank(), this->global_ranks()),
        lookout_(options_.timeout_seconds, [this](int64_t sequence) { return ended(sequence); }),
        mesh_(*talk_, lookout_, tag_) {
    if (options_.store) {
      store_ = with_prefix(share_store(options_.store, "the process group"), options_.prefix);
    }
  }

  ~ProcessGroupCommunicator() override {
    finish_started();
    if (!store_) return;
    try {
      if (!failed_) {
        const std::string reason = left_after(sequence());
        store_->set(key("left/", rank()), reason);
        store_->set_if_absent("left",
                              encode(sequence(), {Failure::kLeft, global_rank(rank()), reason}));
      } else if (rank() == 0) {
        // Its process often hosts the store, in which the others read the cause.
        const double deadline =
            now_seconds() + std::min(kHostLingerSeconds, options_.timeout_seconds);
        for (int other = 1; other < size(); ++other) {
          while (global_rank(other) != culprit_ && !store_->get(key("left/", other)) &&
                 now_seconds() < deadline && !store_->wait(key("seen/", other), 0.02)) {
          }
        }
      }
    } catch (const std::exception&) {  // the store is gone, and with it everybody who could read
    }
  }

  std::string_view backend() const override { return options_.name; }
  const Capabilities& capabilities() const override { return capabilities_; }

 protected:
  void do_all_reduce_sum(Call& call, const at::Tensor& in, at::Tensor& out) override {
    sum(call, in, out, {});
  }

  SquaredNorms do_all_reduce_sum_norms(Call& call, const at::Tensor& x, at::Tensor& out) override {
    if (!x.device().is_cpu()) return Communicator::do_all_reduce_sum_norms(call, x, out);
    SquaredNorms norms;
    sum(call, x, out,
        [&](int64_t begin, int64_t end) { norms += squared_norms(x, out, size(), begin, end); });
    return norms;
  }

  void do_all_reduce_mean(Call& call, at::Tensor& x) override {
    if (!x.device().is_cpu()) return Communicator::do_all_reduce_mean(call, x);
    at::Tensor values = flat(x);
    sum(call, x, x,
        [&](int64_t begin, int64_t end) { values.narrow(0, begin, end - begin).div_(size()); });
  }

  void do_all_gather(Call& call, const at::Tensor& in, at::Tensor& out) override {
    run(call, {}, {}, [&] {
      if (in.nbytes() == 0) return;
      std::vector<at::Tensor> inputs = {bytes_of(in)};
      std::vector<std::vector<at::Tensor>> outputs(1);
      for (int m = 0; m < size(); ++m) outputs[0].push_back(bytes_of(out.select(0, m)));
      finish(group_for(in).allgather(outputs, inputs), in);
    });
  }

  void do_broadcast(Call& call, at::Tensor& x) override {
    run(call, {}, {}, [&] {
      if (x.nbytes() == 0) return;
      std::vector<at::Tensor> tensors = {bytes_of(x)};
      c10d::BroadcastOptions options;
      options.rootRank = call.root;
      finish(group_for(x).broadcast(tensors, options), x);
    });
  }

  void do_exchange(Call& call, const std::vector<Message>& sends,
                   const std::vector<Message>& receives) override {
    run(call, to_parts(sends), to_parts(receives), [&] {
      if (auto text = headers_.unmatched_message(call))
        end_group({Failure::kMismatch, global_rank(rank()), *text});
      transfer(sends, receives);
    });
  }

  void do_barrier(Call& call) override {
    run(call, {}, {}, [] {});
  }

  std::vector<std::string> do_all_gather_text(Call& call, const std::string& text) override {
    std::vector<std::string> texts(static_cast<size_t>(size()));
    run(call, text_to(call.root, text, rank(), size()), {}, [&] {
      texts[static_cast<size_t>(rank())] = text;
      std::vector<Message> sends, receives;
      for (int peer = 0; peer < size(); ++peer) {
        if (peer == rank()) continue;
        if (call.root < 0 || call.root == peer)
          sends.push_back({peer, bytes_at(text.data(), static_cast<int64_t>(text.size()))});
        if (call.root >= 0 && call.root != rank()) continue;
        std::string& place = texts[static_cast<size_t>(peer)];
        place.resize(headers_.text_bytes(peer));
        receives.push_back({peer, bytes_at(place.data(), static_cast<int64_t>(place.size()))});
      }
      transfer(sends, receives);
    });
    return texts;
  }

  std::unique_ptr<Communicator> do_split(Call& call, const std::vector<int>& members) override {
    if (members.size() == 1) return make_solo(global_rank(rank()));
    require(store_ != nullptr, "split: the process group was given without a store");
    require(capabilities_.takes(c10::DeviceType::CPU),
            "split: a part takes tensors on cpu, this process group on {}",
            describe_devices(options_.devices));
    GlooWorker worker{
        .options = {.size = static_cast<int>(members.size()), .address = own_address()},
        .global_ranks = global_ranks_of(members),
        .store = with_prefix(store_, fmt::format("split/{}/{}", call.sequence, members.front())),
        .exits = store_,
        .backend = options_.name};
    const auto place = std::find(members.begin(), members.end(), rank()) - members.begin();
    worker.options.rank = static_cast<int>(place);
    worker.options.interface = interface_;
    worker.options.timeout_seconds = options_.timeout_seconds;
    return meet_and_connect_gloo(std::move(worker));
  }

  void do_lose(int global_rank, const std::string& reason) noexcept override {
    try {
      aborted_ = true;
      // What this worker has finished the others can finish, too.
      const int64_t done = global_rank == this->global_rank(rank()) ? finished_.load() : -1;
      if (!failed_) publish({Failure::kLost, global_rank, reason}, done);
    } catch (...) {  // the timeouts of the others will have to tell
    }
    lookout_.stop();
  }

 private:
  // Where parts listen: at the interface that was named, else where the way to the master begins.
  std::string own_address() const {
    if (!interface_.empty()) return address_of_interface(interface_, "interface " + interface_, "");
    const char* master = std::getenv("MASTER_ADDR");
    const Route route = master ? find_route(parse_host_port("MASTER_ADDR", master).host) : Route{};
    return route.reached() ? route.local : "127.0.0.1";
  }

  static std::string key(const char* prefix, int rank) { return prefix + std::to_string(rank); }

  // All workers have made the same call when `data` begins.
  template <typename Data>
  void run(Call& call, const std::vector<Part>& sends, const std::vector<Part>& receives,
           const Data& data) {
    const double start = now_seconds();
    lookout_.begin(call.sequence);
    try {
      exchange_headers(call, sends, receives);
      data();
      finished_ = call.sequence;
      lookout_.end();
    } catch (const CommError&) {  // the group has ended
      lookout_.end();
      throw;
    } catch (const std::exception& error) {
      const auto* about = dynamic_cast<const PeerError*>(&error);
      const double waited = now_seconds() - start;
      lookout_.end();
      fail(call, waited, about ? std::optional(about->peer) : std::nullopt, error.what());
    }
  }

  void exchange_headers(Call& call, const std::vector<Part>& sends,
                        const std::vector<Part>& receives) {
    if (lookout_.sight() != Lookout::kNothing) throw GivenUp();
    headers_.tell(call, sends, receives);
    std::vector<std::pair<int, GroupMesh::Buffer>> in, out;
    for (int peer = 0; peer < size(); ++peer) {
      if (peer == rank()) continue;
      in.emplace_back(peer, GroupMesh::Buffer(mesh_, &headers_.from(peer)));
      in.back().second.receive(peer, kHeaderTag, 0, sizeof(Header));
      out.emplace_back(peer, GroupMesh::Buffer(mesh_, &headers_.to(peer)));
    }
    for (auto& [peer, buffer] : out) buffer.send(peer, kHeaderTag, 0, sizeof(Header));
    for (auto& [peer, buffer] : in) buffer.wait_received(peer);
    call.met = now_seconds();
    for (auto& [peer, buffer] : out) buffer.wait_sent(peer);
    if (auto text = headers_.compare(call))
      end_group({Failure::kMismatch, global_rank(rank()), *text});
  }

  c10d::ProcessGroup& group_for(const at::Tensor& x) const {
    return x.device().is_cpu() ? *talk_ : *group_;
  }

  void finish(const GroupWork& work, const at::Tensor& x) {
    lookout_.wait_collective(work, x.device().is_cpu());
  }

  // Pairs in the same order on all workers, and in a pair first what the lower rank sends: where
  // a message holds those after it up, one is always free to go.
  void transfer(const std::vector<Message>& sends, const std::vector<Message>& receives) {
    std::vector<std::pair<const Message*, bool>> steps;  // and whether it is sent
    for (const Message& message : sends) steps.emplace_back(&message, true);
    for (const Message& message : receives) steps.emplace_back(&message, false);
    const auto order = [&](const auto& step) {
      const int peer = step.first->peer, sender = step.second ? rank() : peer;
      return std::tuple(std::min(rank(), peer), std::max(rank(), peer), sender);
    };
    std::sort(steps.begin(), steps.end(),
              [&](const auto& a, const auto& b) { return order(a) < order(b); });
    std::vector<std::pair<const Message*, GroupWork>> works;
    for (const auto& step : steps) {
      const Message& message = *step.first;
      if (message.tensor.nbytes() == 0) continue;
      c10d::ProcessGroup& group = group_for(message.tensor);
      std::vector<at::Tensor> tensors = {bytes_of(message.tensor)};
      about_peer(message.peer, [&] {
        works.emplace_back(&message, step.second
                                         ? group.send(tensors, message.peer, tag_ + kMessageTag)
                                         : group.recv(tensors, message.peer, tag_ + kMessageTag));
      });
    }
    for (const auto& begun : works) {
      const Message& message = *begun.first;
      about_peer(message.peer, [&] {
        message.tensor.device().is_cpu() ? lookout_.wait_message(begun.second)
                                         : finish(begun.second, message.tensor);
      });
    }
  }

  // out <- sum of in. On the CPU by the same sends and receives as `gloo`, which copies nothing and
  // calls back for each part; elsewhere by the group itself, in one piece.
  void sum(Call& call, const at::Tensor& in, at::Tensor& out, const ChunkCallback& on_chunk) {
    run(call, {}, {}, [&] {
      if (!in.device().is_cpu()) {
        std::vector<at::Tensor> whole = {flat(out)};
        if (in.data_ptr() != out.data_ptr()) whole[0].copy_(flat(in));
        if (call.numel > 0) finish(group_->allreduce(whole), in);
        return;
      }
      const AllReduceOptions options{kSumTag, &scratch_};
      const auto add = [&](auto type) {
        using T = decltype(type);
        gloo_all_reduce(mesh_, options, in.data_ptr<T>(), out.data_ptr<T>(), call.numel, on_chunk);
      };
      call.dtype == at::kFloat ? add(float()) : add(double());
    });
  }

  // For the lookout: whether others have told that the group has ended, or that one has left before
  // this operation.
  bool ended(int64_t sequence) {
    if (!store_ || store_gone_) return false;
    try {
      const auto before = [&](const char* key) {
        const auto told = store_->get(key);
        return told && std::atoll(told->c_str()) < sequence;
      };
      return before("failure") || before("left");
    } catch (const std::exception&) {  // whoever hosted it is seen to be lost by the connection
      store_gone_ = true;
      return false;
    }
  }

  // In the store a failure stands behind the number of the last operation that it leaves to the
  // others.
  static std::string encode(int64_t after, const Failure& failure) {
    return fmt::format("{} {}", after, failure.encode());
  }
  static Failure decode(const std::string& code) {
    return Failure::decode(code.substr(code.find(' ') + 1));
  }

  // The first failure to reach the store is the cause of all others. Returns it.
  Failure publish(const Failure& failure, int64_t after = -1) {
    failed_ = true;
    Failure cause = failure;
    try {
      if (store_) {
        cause = decode(store_->set_if_absent("failure", encode(after, failure)));
        store_->set(key("seen/", rank()), "");
      }
    } catch (const CommError&) {  // the store is gone: what this worker knows has to do
    }
    if (cause.lost()) culprit_ = cause.culprit;
    return cause;
  }

  [[noreturn]] void end_group(const Failure& failure) {
    publish(failure);
    throw CommError(failure.text);
  }

  // `peer`: whose connection failed, where it is known.
  [[noreturn]] void fail(const Call& call, double waited, std::optional<int> peer,
                         const std::string& text) {
    const int self = global_rank(rank());
    if (aborted_) throw CommError(fmt::format("rank {} has left the group", self));
    publish(why(call, waited, peer, text)).raise(self, call, waited);
  }

  Failure why(const Call& call, double waited, std::optional<int> peer, const std::string& text) {
    const int self = global_rank(rank());
    if (lookout_.sight() == Lookout::kEnded) return told();
    if (lookout_.sight() == Lookout::kTimeout || text.find("imed out") != std::string::npos) {
      std::vector<int> ranks = headers_.missing(call);
      if (ranks.empty()) ranks = mesh_.closed_peers(kProbeTag);
      if (ranks.empty() && peer) ranks = {*peer};
      if (!ranks.empty())
        return {Failure::kTimeout, self, timeout_text(call, waited, global_ranks_of(ranks))};
      return {Failure::kTimeout, self,
              fmt::format("timed out after {:.1f} s in {}: all had come, and one fell silent",
                          waited, label(call))};
    }
    std::vector<int> closed = peer ? std::vector<int>{*peer} : mesh_.closed_peers(kProbeTag);
    if (!closed.empty()) return how_lost(closed);
    return {Failure::kMismatch, self,
            fmt::format("rank {}: the process group failed in {} after {:.1f} s: {}", self,
                        label(call), waited, text.substr(0, text.find('\n')))};
  }

  // What others have told: a failure, else that one has left.
  Failure told() {
    try {
      if (auto failure = store_->get("failure")) return decode(*failure);
      if (auto left = store_->get("left")) return decode(*left);
    } catch (const CommError&) {  // the store is gone meanwhile
    }
    return {Failure::kMismatch, global_rank(rank()), "the group has ended"};
  }

  Failure how_lost(const std::vector<int>& peers) {
    for (const int peer : peers) {
      try {
        if (auto reason = store_ ? store_->get(key("left/", peer)) : std::nullopt)
          return {Failure::kLeft, global_rank(peer), *reason};
      } catch (const CommError&) {  // publish() looks into it
      }
    }
    std::string reason = "connection closed";
    const std::vector<int> others(peers.begin() + 1, peers.end());
    if (!others.empty()) reason += fmt::format(", as with {}", name_ranks(global_ranks_of(others)));
    return {Failure::kLost, global_rank(peers.front()), reason};
  }

  const ProcessGroupOptions options_;
  const std::string interface_;
  const Capabilities capabilities_;
  const Group group_, talk_;
  const int tag_;  // the first
  std::shared_ptr<Store> store_;
  std::atomic<bool> failed_ = false, aborted_ = false, store_gone_ = false;
  std::atomic<int64_t> finished_ = 0;  // the last operation
  std::atomic<int> culprit_ = -1;      // global rank
  Headers headers_;                    // the group writes and reads them
  std::vector<char> scratch_;
  Lookout lookout_;  // it looks at the others
  GroupMesh mesh_;   // last: it waits with the lookout
};

}  // namespace

std::unique_ptr<Communicator> make_process_group(Group group, ProcessGroupOptions options) {
  require(group.defined(), "the process group is null");
  require(!options.devices.empty(), "the process group needs a device for its tensors");
  require(options.timeout_seconds > 0, "the timeout must be > 0 seconds, got {}",
          options.timeout_seconds);
  require(!options.side_group || options.side_group->getSize() == group->getSize(),
          "the side group has {} workers, the process group {}",
          options.side_group ? options.side_group->getSize() : 0, group->getSize());
  if (group->getSize() == 1) return make_solo();
  std::vector<int> ranks = everyone(group->getSize());
  return std::make_unique<ProcessGroupCommunicator>(std::move(group), std::move(options),
                                                    std::move(ranks));
}

}  // namespace valley
