#include "valley/algorithms/algorithm.h"

#include <c10/core/GradMode.h>

#include "valley/core/error.h"

namespace valley {

double RoundReport::figure(std::string_view name) const {
  for (const auto& [key, value] : figures) {
    if (key == name) return value;
  }
  return 0;
}

void Algorithm::join(Communicator& comm, const at::Tensor& x, int64_t step) {
  const c10::NoGradGuard no_grad;
  prepare(comm.size());
  comm_ = &comm;
  do_join(x, step);
}

void Algorithm::before_gradient(const StepInfo& info, at::Tensor& x) {
  const c10::NoGradGuard no_grad;
  comm();
  do_before_gradient(info, x);
}

void Algorithm::on_gradient_part(at::Tensor& g, int64_t begin, int64_t end) {
  const c10::NoGradGuard no_grad;
  comm();
  do_on_gradient_part(g, begin, end);
}

void Algorithm::on_gradient(const StepInfo& info, at::Tensor& x, at::Tensor& g) {
  const c10::NoGradGuard no_grad;
  comm();
  do_on_gradient(info, x, g);
}

void Algorithm::local_step(const StepInfo& info, at::Tensor& x, at::Tensor& g,
                           const std::function<void()>& optimizer) {
  const c10::NoGradGuard no_grad;
  comm();
  do_local_step(info, x, g, optimizer);
}

void Algorithm::after_step(const StepInfo& info, at::Tensor& x) {
  const c10::NoGradGuard no_grad;
  comm();
  do_after_step(info, x);
}

void Algorithm::quiesce() {
  const c10::NoGradGuard no_grad;
  comm();
  do_quiesce();
}

at::Tensor Algorithm::view(const at::Tensor& x) const {
  const c10::NoGradGuard no_grad;
  return do_view(x);
}

Communicator& Algorithm::comm() const {
  require(comm_ != nullptr, "an algorithm must join() the workers before its first step");
  return *comm_;
}

}  // namespace valley
