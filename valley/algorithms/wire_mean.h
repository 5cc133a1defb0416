#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "valley/algorithms/registry.h"
#include "valley/algorithms/round_parts.h"
#include "valley/algorithms/wire_coder.h"

namespace valley {

/// The mean of all, of which less is said: differences to a mean r that all workers know, coded by
/// a compressor C. Each worker adds up one of M slices, in the dtype of x:
///
///     q_m = C(x_m - r)                        its slices sent to their owners (all-to-all)
///     s   = e + (1/M) sum_m q_m               by the owner of the slice
///     Q   = C(s),   e <- s - Q                sent to all (all-gather)
///     r   <- r + Q                            what the workers take for their mean
///
/// bf16 and fp16 round so little that this is all, with e = 0; two workers then say all of q_m to
/// each other, in one operation of as many bytes, and both make the same Q of it. int8 is given
/// error feedback: worker m stands at r + q_m for the others (PendingRound::sent) and moves as from
/// there, so that what C dropped, x_m - r - q_m, stays in x_m and is part of the next difference.
/// No C that drops most of a vector: workers that stay apart, at the width of the valley, would
/// have their distance from r to send in every round. What they say of their moves
/// (mean_of_moves.h), or replicas of each (known_replicas.h), serve those.
///
/// r begins where a membership begins. A worker alone is its own mean. Where workers come and go,
/// r stays what all know, and e, which is of slices as many as the workers, begins anew.
///
/// Cost: M payloads of d / M values, see wire_bytes(). Memory: 2 d, with feedback or in two parts 3
/// d, and three times those payloads. State: r and e, d / M values.
///
/// Reference: sending a slice to its owner, and the error feedback on both ways, are those of Tang,
/// Lian, Yu, Zhang and Liu, "DoubleSqueeze", ICML 2019, arXiv:1905.05957, there of gradients; that
/// positions are sent as differences to what all know is ours.
class WireMean : public MeanOfAll {
 public:
  /// `wire` is close, see close_wire(). @throws UsageError as check_wire() does.
  explicit WireMean(const std::string& wire);

  void prepare(int workers) override { workers_ = workers; }
  void begin(const at::Tensor& x) override;
  PendingRound meet(Communicator& comm, const at::Tensor& x, int64_t round) override;
  void start(Communicator& comm, const at::Tensor& x, int64_t round) override;
  PendingRound finish() override;
  bool regroup() override;

  /// By bf16 and fp16: the sum is written nowhere, for r is the mean.
  bool meet_and_pull(Communicator& comm, at::Tensor& x, int64_t round,
                     const WeightOfRound& weight) override;

  /// r, what all workers know.
  const at::Tensor& known() const { return r_; }

 private:
  at::Tensor slice(const at::Tensor& x, int m) const;
  PendingRound bring(const at::Tensor& x);
  void encode(const at::Tensor& x);
  void send(Communicator& comm, const at::Tensor& x);
  std::unique_ptr<Work> send_to_other(std::function<void()> then);
  bool to_each_other() const { return workers_ == 2 && !coder_->drops(); }
  std::vector<std::vector<at::Tensor>> said_in_order() const;  // of each slice, by rank
  void wait();

  std::shared_ptr<WireCoder> coder_;  // of what is under way, too
  int workers_ = 1;
  int64_t size_ = 0;                              // of a slice; the last ones may be shorter
  at::Tensor r_, e_;                              // [d], [size]
  at::Tensor sum_, sent_;                         // [d]; sent_ undefined where a worker stands at x
  at::Tensor coded_, received_, gathered_, own_;  // uint8 [M, bytes], and [bytes] of one slice
  Communicator* comm_ = nullptr;                  // while it is under way
  std::vector<std::unique_ptr<Work>> works_;
};

/// The mean of all, said by `wire`; by "none" the vectors themselves, by a compressor that is not
/// close, or powersgd, their moves (mean_of_moves.h).
/// @throws UsageError as check_wire() and make_mean_coder() do.
std::unique_ptr<Meeting> make_mean(const std::string& wire, const AlgorithmContext& context);

}  // namespace valley
