#include "valley/algorithms/fewer_steps.h"

#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "valley/core/error.h"

namespace valley {
namespace {

constexpr const char* kFewerSteps = "fewer_steps";

}  // namespace

FewerSteps::FewerSteps(double least, std::function<double()> worked_seconds)
    : least_(least), worked_seconds_(std::move(worked_seconds)) {
  require(bool(worked_seconds_),
          "{} needs a training loop that leaves steps out (AlgorithmContext::worked_seconds)",
          Key{"fewer-steps"});
}

void FewerSteps::join() {
  done_ = 0, share_ = 1;
  timed_ = 0, since_ = worked_seconds_();
}

bool FewerSteps::rests(int64_t period) const {
  return done_ >= std::max<int64_t>(1, std::llround(share_ * double(period)));
}

void FewerSteps::did_step() { ++done_, ++timed_; }

double FewerSteps::weigh(Communicator& comm) {
  const double now = worked_seconds_();
  const double own = timed_ > 0 ? (now - since_) / double(timed_) : 0;  // 0: not known
  const at::Tensor all = comm.all_gather(at::tensor({double(done_), own}, at::kDouble));  // [M, 2]
  const double* values = all.data_ptr<double>();
  double steps = 0;
  std::vector<double> seconds;
  for (int m = 0; m < comm.size(); ++m) {
    steps += values[2 * m];
    if (values[2 * m + 1] > 0) seconds.push_back(values[2 * m + 1]);
  }
  if (own > 0) {
    const auto middle = seconds.begin() + static_cast<std::ptrdiff_t>((seconds.size() - 1) / 2);
    std::nth_element(seconds.begin(), middle, seconds.end());
    share_ = std::min(1.0, std::max(least_, *middle / own));
  }
  last_done_ = std::exchange(done_, 0);
  timed_ = 0, since_ = now;
  return steps > 0 ? double(comm.size()) * double(last_done_) / steps : 1;
}

void FewerSteps::append_to(AlgorithmState& state) const {
  state.emplace_back(kFewerSteps, at::tensor({double(done_), share_}, at::kDouble));
}

void FewerSteps::load(const AlgorithmState& state) {
  const at::Tensor saved = state_entry(state, kFewerSteps, at::kDouble, 2);
  done_ = static_cast<int64_t>(saved.data_ptr<double>()[0]);
  share_ = saved.data_ptr<double>()[1];
}

}  // namespace valley
