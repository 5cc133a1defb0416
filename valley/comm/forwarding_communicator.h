#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "valley/comm/communicator.h"

namespace valley {

/// Passes every operation on to another communicator: to change what happens around it.
class ForwardingCommunicator : public Communicator {
 public:
  std::string_view backend() const override { return backend_; }
  const Capabilities& capabilities() const override { return capabilities_; }

 protected:
  explicit ForwardingCommunicator(std::unique_ptr<Communicator> inner);
  ~ForwardingCommunicator() override { finish_started(); }

  /// `operation` does what `call` asks on the other communicator.
  virtual void pass_on(Call& call, const std::function<void()>& operation) = 0;

  /// The communicator of a part, around that of the other one.
  virtual std::unique_ptr<Communicator> wrap(std::unique_ptr<Communicator> part) const = 0;

  /// The other one; nothing is passed on any more.
  std::unique_ptr<Communicator> take_inner() { return std::move(inner_); }

 private:
  void do_all_reduce_sum(Call& call, const at::Tensor& in, at::Tensor& out) override;
  SquaredNorms do_all_reduce_sum_norms(Call& call, const at::Tensor& x, at::Tensor& sum) override;
  SquaredNorms do_all_reduce_lerp(Call& call, at::Tensor& x, at::Tensor& room,
                                  const WeightOfNorms& weight) override;
  void do_all_reduce_mean(Call& call, at::Tensor& x) override;
  void do_all_gather(Call& call, const at::Tensor& in, at::Tensor& out) override;
  void do_broadcast(Call& call, at::Tensor& x) override;
  void do_exchange(Call& call, const std::vector<Message>& sends,
                   const std::vector<Message>& receives) override;
  void do_barrier(Call& call) override;
  std::vector<std::string> do_all_gather_text(Call& call, const std::string& text) override;
  void do_share(Call& call, std::shared_ptr<void>& object) override;
  std::unique_ptr<Communicator> do_split(Call& call, const std::vector<int>& members) override;
  void do_lose(int global_rank, const std::string& reason) noexcept override;

  template <typename Operation>
  void forward(Call& call, const Operation& operation);

  std::unique_ptr<Communicator> inner_;
  std::string backend_;
  Capabilities capabilities_;
};

}  // namespace valley
