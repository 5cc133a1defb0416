#include "valley/train/round_bench.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <memory>
#include <thread>

#include "valley/algorithms/kernels.h"
#include "valley/algorithms/registry.h"
#include "valley/core/clock.h"
#include "valley/core/error.h"

namespace valley {
namespace {

constexpr int64_t kLayers = 10;
constexpr int64_t kLongestRound = 10'000;  // local steps
constexpr double kLearningRate = 0.1;      // asked by some methods; nothing is learnt
constexpr int kWarmUp = 2;

// As square a matrix as the size allows.
int64_t rows_of_layer(int64_t size) {
  auto rows = static_cast<int64_t>(std::sqrt(double(size)));
  while (size % rows != 0) --rows;
  return rows;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<int64_t>(values.size()) / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// From when all are there.
double seconds_of(Communicator& comm, const std::function<void()>& call) {
  comm.barrier();
  const double start = now_seconds();
  call();
  return now_seconds() - start;
}

// Once the others have confirmed what was sent: a fifth of a second without news.
std::optional<Traffic> traffic_at_rest(const Communicator& comm) {
  std::optional<Traffic> traffic = traffic_of(comm);
  while (traffic) {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    const Traffic now = *traffic_of(comm);
    if (now.acknowledged == traffic->acknowledged) break;
    traffic = now;
  }
  return traffic;
}

// What `calls` calls have sent, a call. While the others still look, this worker's own calls change
// nothing of theirs: they send in calls only.
std::optional<Traffic> traffic_of_calls(Communicator& comm, int64_t calls,
                                        const std::function<void()>& call) {
  comm.barrier();
  const std::optional<Traffic> before = traffic_at_rest(comm);
  for (int64_t i = 0; i < calls; ++i) call();
  if (!before) return std::nullopt;
  const Traffic all = *traffic_at_rest(comm) - *before;
  return Traffic{all.sent / calls, all.acknowledged / calls};
}

// A method with nothing around it.
class BareRounds {
 public:
  BareRounds(const RunConfig& config, int64_t d, Communicator& comm)
      : x_(at::randn({d})), g_(at::zeros({d})) {
    AlgorithmContext context{.total_steps = int64_t{1} << 40,
                             .seed = static_cast<uint64_t>(config.seed),
                             .learning_rate = [](int64_t) { return kLearningRate; }};
    for (int64_t layer = 0; layer < kLayers; ++layer) {
      const int64_t begin = layer * d / kLayers, end = (layer + 1) * d / kLayers;
      context.layers.push_back({begin, end - begin, rows_of_layer(end - begin)});
    }
    context.layer_gradient_norms = [] { return std::vector<double>(kLayers, 1.0); };
    method_ = make_algorithm(config.algorithm, find_algorithm(config.algorithm).with(config.method),
                             context);
    at::Tensor start = x_.clone();
    comm.broadcast(start, 0);
    method_->join(comm, start);
  }

  void round() {
    const int64_t before = method_->rounds();
    for (int64_t k = 0; method_->rounds() == before; ++k) {
      require(k < kLongestRound, "{} makes no round within {} steps", Key{"algorithm"},
              kLongestRound);
      const StepInfo info{.step = step_++, .total_steps = int64_t{1} << 40, .loss = 1.0};
      method_->before_gradient(info, x_);
      method_->on_gradient(info, x_, g_);
      method_->local_step(info, x_, g_, [] {});
      method_->after_step(info, x_);
    }
  }

  void rest() { method_->quiesce(); }

 private:
  at::Tensor x_, g_;  // [d]
  std::unique_ptr<Algorithm> method_;
  int64_t step_ = 0;
};

struct NamedCall {
  std::string name;
  std::function<void()> call;
};

RoundTimes bench_size(const RunConfig& config, int64_t turns, int64_t d, Communicator& comm) {
  BareRounds rounds(config, d, comm);
  at::Tensor x = at::randn({d}), sum = at::empty({d});
  const int next = (comm.rank() + 1) % comm.size();
  const int former = (comm.rank() + comm.size() - 1) % comm.size();
  const std::vector<NamedCall> operations = {
      {"all-reduce", [&] { comm.all_reduce_sum(x, sum); }},
      {"all-reduce with norms", [&] { comm.all_reduce_sum_norms(x, sum); }},
      {"all-gather", [&] { comm.all_gather(x); }},
      {"broadcast", [&] { comm.broadcast(x, 0); }},
      {"exchange with the next",
       [&] {
         comm.exchange({{next, x}}, {{former, sum}});
       }},
      {"barrier", [&] { comm.barrier(); }},
  };
  std::vector<double> of_round, of_pass, of_copy;
  std::vector<std::vector<double>> of_operation(operations.size());
  for (int64_t turn = -kWarmUp; turn < turns; ++turn) {
    const double round = seconds_of(comm, [&] { rounds.round(); });
    const double pass = seconds_of(comm, [&] { lerp_to_mean(x, sum, comm.size(), 0.1); });
    const double copy = seconds_of(comm, [&] {
      sum.copy_(x);
      comm.barrier();
    });
    if (turn >= 0) of_round.push_back(round), of_pass.push_back(pass), of_copy.push_back(copy);
    for (size_t i = 0; i < operations.size(); ++i) {
      const double seconds = seconds_of(comm, operations[i].call);
      if (turn >= 0) of_operation[i].push_back(seconds);
    }
  }
  RoundTimes times{.workers = comm.size(),
                   .parameters = d,
                   .round = median(of_round),
                   .all_reduce = median(of_operation.front()),
                   .pass = median(of_pass),
                   .copy = median(of_copy),
                   .shares_memory = comm.capabilities().shares_memory};
  const auto count = [&](const std::function<void()>& call, int64_t& payload,
                         std::optional<Traffic>& traffic) {
    const int64_t calls = std::min<int64_t>(turns, 2), before = comm.total_bytes();
    traffic = traffic_of_calls(comm, calls, call);
    payload = (comm.total_bytes() - before) / calls;
  };
  count([&] { rounds.round(); }, times.payload, times.traffic);
  for (size_t i = 0; i < operations.size(); ++i) {
    OperationTime& operation = times.operations.emplace_back(
        OperationTime{.name = operations[i].name, .seconds = median(of_operation[i])});
    count(operations[i].call, operation.payload, operation.traffic);
  }
  rounds.rest();
  return times;
}

}  // namespace

std::vector<RoundTimes> bench_rounds(const RunConfig& config, const RoundBenchOptions& options,
                                     Communicator& all) {
  std::vector<RoundTimes> result;
  for (int workers = 2;; workers *= 2) {
    workers = std::min(workers, all.size());
    const bool everybody = workers == all.size();
    const bool in = all.rank() < workers;
    const auto part = everybody ? nullptr : all.split(in ? 0 : 1);
    Communicator& comm = everybody ? all : *part;
    for (const int64_t d : options.parameters) {
      if (in) result.push_back(bench_size(config, options.turns, d, comm));
    }
    all.barrier();  // nobody leaves while others still work
    if (everybody) return result;
  }
}

}  // namespace valley
