#include "valley/algorithms/personal.h"

#include <utility>

namespace valley {
namespace {

class Personal : public Algorithm {
 public:
  Personal(std::unique_ptr<Algorithm> method, SharedPart shared)
      : method_(std::move(method)), shared_(std::move(shared)) {}

  void prepare(int workers) override { method_->prepare(workers); }
  bool talks_after_step() const override { return method_->talks_after_step(); }
  const std::optional<RoundReport>& last_round() const override { return method_->last_round(); }
  int64_t rounds() const override { return method_->rounds(); }
  int64_t period() const override { return method_->period(); }
  bool final_average_needed() const override { return method_->final_average_needed(); }
  AlgorithmState state() const override { return method_->state(); }
  void load_state(const AlgorithmState& state) override { method_->load_state(state); }

 private:
  void do_join(const at::Tensor& x, int64_t step) override {
    shared_.take(x, s_);
    method_->join(comm(), s_, step);
  }

  void do_before_gradient(const StepInfo& info, at::Tensor& x) override {
    shared_.take(x, s_);
    method_->before_gradient(info, s_);
    shared_.put(s_, x);
  }

  // No part of a gradient is announced: they would have to lie where backward writes them.
  void do_on_gradient(const StepInfo& info, at::Tensor& x, at::Tensor& g) override {
    shared_.take(x, s_);
    shared_.take(g, g_);
    method_->on_gradient(info, s_, g_);
    shared_.put(s_, x);
    shared_.put(g_, g);
  }

  void do_local_step(const StepInfo& info, at::Tensor& x, at::Tensor& g,
                     const std::function<void()>& optimizer) override {
    shared_.take(x, s_);
    shared_.take(g, g_);
    method_->local_step(info, s_, g_, [&] {
      shared_.put(s_, x);
      shared_.put(g_, g);
      optimizer();
      shared_.take(x, s_);
      shared_.take(g, g_);
    });
    shared_.put(s_, x);
  }

  void do_after_step(const StepInfo& info, at::Tensor& x) override {
    shared_.take(x, s_);
    method_->after_step(info, s_);
    shared_.put(s_, x);
  }

  void do_quiesce() override { method_->quiesce(); }

  at::Tensor do_view(const at::Tensor& x) const override {
    at::Tensor s;
    shared_.take(x, s);
    const at::Tensor seen = method_->view(s);
    if (seen.is_same(s)) return x;
    at::Tensor view = x.clone();
    shared_.put(seen, view);
    return view;
  }

  std::unique_ptr<Algorithm> method_;
  SharedPart shared_;
  at::Tensor s_, g_;  // [d']
};

}  // namespace

std::unique_ptr<Algorithm> make_personal(const std::string& name, const AlgorithmOptions& options,
                                         const AlgorithmContext& context, SharedPart shared) {
  auto method = make_algorithm(name, options, context_of_part(context, shared));
  return std::make_unique<Personal>(std::move(method), std::move(shared));
}

}  // namespace valley
