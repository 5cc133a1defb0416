// What every training algorithm of the registry promises. A new row is tested by being there, and
// so is a new setting.

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/rand.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "valley/algorithms/registry.h"
#include "valley/comm/group.h"
#include "valley/core/clock.h"
#include "valley/core/error.h"
#include "valley/core/fused_passes.h"
#include "valley/core/random.h"
#include "valley/core/testing/test_folder.h"
#include "valley/data/synthetic.h"
#include "valley/models/registry.h"
#include "valley/optim/local_optimizer.h"
#include "valley/testing/normals.h"
#include "valley/testing/run_ranks.h"
#include "valley/testing/test_device.h"
#include "valley/train/probe.h"
#include "valley/train/run_config.h"
#include "valley/train/trainer.h"

namespace valley {
namespace {

constexpr int64_t kSteps = 11;  // no period below divides it
constexpr double kRate = 0.05;

at::Tensor drawn(at::IntArrayRef sizes, uint64_t seed, at::ScalarType dtype = at::kDouble) {
  return normals(sizes, seed, dtype).to(test_device());
}

// The local optimizer, and how long it takes.
struct Tuning {
  double momentum = 0.9, rate = kRate;
  int64_t steps = 150;
};

// Methods that bring a momentum of their own, or correct every step by the last, converge with an
// optimizer that has none; those that draw, or send little of a gradient, take their time.
Tuning tuning_of(const std::string& algorithm) {
  const std::set<std::string> plain = {"gradient-tracking", "dsgtm-tv", "d2",
                                       "qg-dsgdm",          "slowmo",   "diloco",
                                       "scaffold",          "drag",     "relaysgd"};
  if (plain.count(algorithm)) return {.momentum = 0, .rate = 4 * kRate};
  if (algorithm == "palsgd") return {.momentum = 0, .rate = 2 * kRate, .steps = 300};
  if (algorithm == "noloco") return {.momentum = 0, .steps = 500};
  if (algorithm == "sparsign") return {.momentum = 0, .steps = 600};
  if (find_algorithm(algorithm).owns_update) return {.rate = 2 * kRate, .steps = 800};
  return {};
}

// One worker with a quadratic bowl of its own, H (x - c_m), and noise in its gradient. Without an
// algorithm it trains alone.
class Worker {
 public:
  struct Checkpoint {
    at::Tensor x;
    std::vector<std::pair<std::string, at::Tensor>> algorithm;
    std::vector<NamedTensor> optimizer;
  };

  Worker(int rank, at::ScalarType dtype, int64_t steps, const Tuning& tuning = {})
      : flat_({{"weight", drawn({3, 5}, 1, dtype).set_requires_grad(true)},
               {"bias", drawn({4}, 2, dtype).set_requires_grad(true)}}),
        optimizer_(make_optimizer({.momentum = tuning.momentum, .weight_decay = 1e-3}, flat_)),
        rank_(rank),
        steps_(steps),
        rate_(tuning.rate),
        curvature_(at::arange(1, flat_.size() + 1, flat_.values().options()) / flat_.size() * 0.7 +
                   0.3),
        center_(drawn({flat_.size()}, static_cast<uint64_t>(50 + rank), dtype)) {}

  // All workers in one bowl, for methods that trust some of them more.
  void share_the_bowl() { center_ = drawn({flat_.size()}, 50, dtype()); }

  // From where it stands, with the workers of `comm`.
  void use(std::unique_ptr<Algorithm> algorithm, Communicator& comm, int64_t step = 0) {
    algorithm_ = std::move(algorithm);
    join(comm, step);
  }
  void join(Communicator& comm, int64_t step) { algorithm_->join(comm, flat_.values(), step); }

  void train(int64_t from, int64_t to, double noise = 0.1) {
    at::Tensor x = flat_.values(), g = flat_.gradients();
    for (int64_t step = from; step < to; ++step) {
      StepInfo info{.step = step, .total_steps = steps_};
      const auto seed = static_cast<uint64_t>(1000 * step + rank_);
      const at::Tensor before = x.clone();
      if (algorithm_) algorithm_->before_gradient(info, x);
      EXPECT_TRUE(may_move_first_ || x.equal(before));
      g.copy_(curvature_ * (x - center_) + noise * drawn({flat_.size()}, seed, dtype()));
      info.loss = (curvature_ * (x - center_).square()).sum().item<double>() / 2;
      if (algorithm_ && !needs_.loss) info.loss = std::nan("");
      if (algorithm_ && !needs_.gradient) {
        at::Tensor anything = at::empty_like(g).fill_(std::nan(""));
        algorithm_->on_gradient(info, x, anything);
      } else if (algorithm_) {
        // As backward does: the last parameter first.
        for (auto range = flat_.ranges().rbegin(); range != flat_.ranges().rend(); ++range) {
          algorithm_->on_gradient_part(g, range->offset, range->offset + range->size);
        }
        algorithm_->on_gradient(info, x, g);
      }
      const auto optimizer = [&] { optimizer_->step(rate_); };
      algorithm_ ? algorithm_->local_step(info, x, g, optimizer) : optimizer();
      if (algorithm_) algorithm_->after_step(info, x);
    }
    EXPECT_EQ(x.data_ptr(), flat_.values().data_ptr());  // the model's parameters, still
  }

  Checkpoint save() const {
    algorithm_->quiesce();
    Checkpoint checkpoint{flat_.values().clone(), algorithm_->state(), optimizer_->state()};
    for (auto& [name, tensor] : checkpoint.algorithm) tensor = tensor.clone();
    for (auto& [name, tensor] : checkpoint.optimizer) tensor = tensor.clone();
    return checkpoint;
  }

  void load(const Checkpoint& checkpoint, Communicator& comm, int64_t step) {
    at::Tensor(flat_.values()).copy_(checkpoint.x);
    join(comm, step);
    algorithm_->load_state(checkpoint.algorithm);
    optimizer_->load_state(checkpoint.optimizer);
  }

  // Where it stands; whoever looks leaves everything as it is.
  at::Tensor look() const {
    const at::Tensor before = flat_.values().clone();
    algorithm_->quiesce();
    const at::Tensor view = algorithm_->view(flat_.values()).clone();
    algorithm_->state();
    EXPECT_TRUE(flat_.values().equal(before));
    EXPECT_EQ(view.sizes(), before.sizes());
    EXPECT_EQ(view.scalar_type(), before.scalar_type());
    return view;
  }

  void stand_at(const at::Tensor& x) { at::Tensor(flat_.values()).copy_(x); }

  // From now on the algorithm is given what it needs, and beside it what is no number.
  void give_no_more_than(const LoopNeeds& needs, bool moves_first) {
    needs_ = needs;
    may_move_first_ = moves_first;
  }

  // From now on its optimizer takes steps of no length.
  void freeze() { rate_ = 0; }

  const at::Tensor& x() const { return flat_.values(); }
  const at::Tensor& g() const { return flat_.gradients(); }
  const at::Tensor& center() const { return center_; }
  Algorithm& algorithm() { return *algorithm_; }
  LocalOptimizer& optimizer() { return *optimizer_; }
  at::ScalarType dtype() const { return flat_.values().scalar_type(); }

 private:
  FlatParameters flat_;
  std::unique_ptr<LocalOptimizer> optimizer_;
  int rank_;
  int64_t steps_;
  double rate_;
  LoopNeeds needs_ = {.gradient = true, .loss = true};
  bool may_move_first_ = true;
  at::Tensor curvature_, center_;  // [d]
  std::unique_ptr<Algorithm> algorithm_;
};

// The options to try an algorithm with: each takes those that it reads.
std::vector<AlgorithmOptions> option_sets(const std::string& algorithm, int workers) {
  std::vector<MethodValues> sets = {
      {{"pull", 0.3},
       {"push", 0.1},
       {"period", "3"},
       {"bucket-bytes", int64_t{60}},
       {"leader-pull", 0.2},
       {"outer-lr", 1.0},
       {"outer-momentum", 0.3},
       {"topology", "ring"},
       {"mixing", "atc"},
       {"lazy", true},
       {"quasi-momentum", 0.3},
       {"noise", 0.01},
       {"participate", 0.6},
       {"anchor-probability", 0.02},
       {"exchange-share", 0.4},
       {"relay-tree", "chain"},
       {"outer-restart", int64_t{2}},
       {"gossips", int64_t{2}}},
      {{"pull", 0.5},
       {"push", 0.05},
       {"push-relative", true},
       {"push-variant", "exact"},
       {"push-schedule", "increasing"},
       {"period", "post-local:1:2"},
       {"moving-rate", 0.5},
       {"topology", "one-peer-exponential"},
       {"mixing", "awc"},
       {"quasi-momentum", 0.4},
       {"tracking-momentum", 0.2},
       {"compress", "int8"},
       {"consensus-step", 0.5},
       {"replicas", "zero"},
       {"noise", 0.0},
       {"anchor-probability", 0.03},
       {"fade", 2.0},
       {"fade-to", 0.1},
       {"gossip-period", int64_t{3}},
       {"gossips", int64_t{2}},
       {"relay-tree", "tree"},
       {"drag", 0.5},
       {"prox", 0.5},
       {"vote-budget", 2.0},
       {"exchange-share", 1.0}},
      {{"pull", 1.0},
       {"push", 0.1},
       {"period", "qsr:2:0.1"},
       {"outer-lr", 0.8},
       {"outer-momentum", 0.2},
       {"topology", "complete"},
       {"mixing", "cta"},
       {"quasi-momentum", 0.5},
       {"compress", "sign"},
       {"compress-rounds", "top-k:0.7"},
       {"noise", 0.02},
       {"participate", 0.3},
       {"anchor-probability", 0.02},
       {"gossip-period", int64_t{2}},
       {"relay-tree", "star"},
       {"vote-majority", true}},
  };
  // d2 and choco want a graph that stays, ad-psgd one of two sides whatever the number of workers;
  // sgp and gradient-tracking have no cta.
  const bool directed = algorithm == "sgp" || algorithm == "dsgtm-tv";
  if (directed) sets[0].insert(sets[0].end(), {{"topology", "random-directed"}, {"lazy", false}});
  if (algorithm == "d2" || algorithm == "choco") sets[1].emplace_back("topology", "star");
  if (algorithm == "gradient-tracking" || algorithm == "sgp") sets[2].emplace_back("mixing", "awc");
  if (algorithm == "cd-adam") sets[0].emplace_back("compress", "top-k:0.5");
  if (algorithm != "dppf") sets[1].emplace_back("compress-rounds", "int8");  // not with exact
  // Rounds that are applied later than they are begun, of slices, and both.
  if (find_algorithm(algorithm).defaults.has("delay")) {
    const MethodValues values = {{"pull", 0.4},           {"push", 0.1},
                                 {"leader-pull", 0.2},    {"outer-lr", 0.9},
                                 {"outer-momentum", 0.2}, {"push-schedule", "decreasing"}};
    const auto with = [&](const MethodValues& more) {
      sets.push_back(values);
      sets.back().insert(sets.back().end(), more.begin(), more.end());
    };
    with({{"period", "3"}, {"delay", int64_t{2}}});
    with({{"period", "post-local:1:4"},
          {"fragments", int64_t{3}},
          {"push-variant", "exact"},
          {"push-schedule", "increasing"}});
    with({{"period", "5"}, {"fragments", int64_t{2}}, {"delay", int64_t{2}}});
    with({{"period", "qsr:3:0.1"}, {"delay", int64_t{1}}, {"compress-rounds", "int8"}});
    with({{"period", "2"}, {"wire", "bf16"}});
    with({{"period", "3"}, {"delay", int64_t{2}}, {"wire", "fp16"}});
    const std::set<std::string> rounding = {"lsgd", "mgrawa", "lgrawa"};
    if (!rounding.count(algorithm)) {
      with({{"period", "4"}, {"fragments", int64_t{2}}, {"delay", int64_t{1}}, {"wire", "int8"}});
      with({{"period", "2"}, {"wire", "powersgd-1"}});
      with({{"period", "3"}, {"delay", int64_t{1}}, {"wire", "powersgd-1"}});
      with({{"period", "4"}, {"fragments", int64_t{2}}, {"wire", "top-k:0.8"}});
    }
    // Two levels; groups of two where there are several of them.
    with({{"hierarchy", "inner:2,outer:4"},
          {"group-size", int64_t{workers == 4 ? 2 : 1}},
          {"inner-wire", "bf16"}});
    with({{"hierarchy", "inner:2,outer:4"},
          {"delay", int64_t{1}},
          {"inner-pull", 0.5},
          {"inner-push", 0.05}});
    with({{"hierarchy", "inner:2,outer:6"}, {"fragments", int64_t{2}}});
  } else if (find_algorithm(algorithm).defaults.has("wire")) {
    for (const char* wire : {"powersgd-1", "bf16", "top-k:0.6", "random-k:0.8"})
      sets.push_back({{"wire", wire}});
  }
  if (algorithm == "ad-psgd") {
    sets.resize(1);
    sets[0].emplace_back("topology", "star");
    sets.push_back({{"topology", "star"}, {"super-learner", int64_t{workers % 2 == 0 ? 2 : 1}}});
  }
  std::vector<AlgorithmOptions> options;
  for (const MethodValues& values : sets) options.push_back(find_algorithm(algorithm).with(values));
  return options;
}

std::vector<std::string> texts_of(const std::vector<SettingValue>& values) {
  std::vector<std::string> texts;
  for (const SettingValue& value : values) texts.push_back(plain_text(value));
  return texts;
}

// As flags have them: "period=3".
std::vector<std::string> texts_of_set(AlgorithmOptions options) {
  std::vector<std::string> texts;
  for (const Setting& setting : options.settings())
    texts.push_back(fmt::format("{}={}", setting.key, plain_text(setting.get())));
  return texts;
}

// Whether part of the moves is said later: a delay that a rate must bear.
bool says_late(AlgorithmOptions options) {
  for (const Setting& setting : options.settings()) {
    if (setting.key != "wire") continue;
    const std::string wire = plain_text(setting.get());
    return powersgd_rank(wire) || !close_wire(wire);
  }
  return false;
}

std::vector<SettingValue> refused_values(AlgorithmOptions options, const std::string& key) {
  for (const Setting& setting : options.settings()) {
    if (setting.key == key) return setting.refused;
  }
  return {};
}

std::vector<at::Tensor> vectors_of(const LocalOptimizer& optimizer) {
  std::vector<at::Tensor> vectors;
  for (const auto& [name, tensor] : optimizer.state()) vectors.push_back(tensor);
  return vectors;
}

// A row of the table on workers of a backend.
class Row {
 public:
  Row(std::string algorithm, std::string backend, int workers)
      : entry_(find_algorithm(algorithm)), backend_(std::move(backend)), workers_(workers) {}

  const AlgorithmEntry& entry() const { return entry_; }
  std::vector<AlgorithmOptions> sets() const { return option_sets(entry_.name, workers_); }
  Tuning tuning() const { return tuning_of(entry_.name); }
  bool fast() const { return backend_ == "thread"; }
  int workers() const { return workers_; }

  void run(const std::function<void(Communicator&)>& fn, double timeout_seconds = 60) const {
    run_ranks(workers_, fn, backend_, timeout_seconds);
  }

  std::unique_ptr<Algorithm> make(const Communicator& comm, const AlgorithmOptions& options,
                                  int64_t steps = kSteps, int64_t d = 19,
                                  std::optional<double> other_rate = {},
                                  LocalOptimizer* optimizer = nullptr) const {
    return make_algorithm(
        entry_.name, options,
        {.total_steps = steps,
         .steps_per_epoch = 4,
         .seed = 5,
         .learning_rate = [rate = other_rate.value_or(tuning().rate)](int64_t) { return rate; },
         .layers = {{0, d - 4, 5}, {d - 4, 4}},
         .layer_gradient_norms =
             [&comm] {
               return std::vector<double>{1.0 + comm.rank(), 0.5};
             },
         .optimizer_state = [optimizer] { return vectors_of(*optimizer); },
         .reset_optimizer = [optimizer] { optimizer->load_state({}); }});
  }

 private:
  const AlgorithmEntry& entry_;
  std::string backend_;
  int workers_;
};

class OnBackend : public testing::TestWithParam<std::tuple<std::string, std::string, int>>,
                  protected Row {
 protected:
  OnBackend() : Row(std::get<0>(GetParam()), std::get<1>(GetParam()), std::get<2>(GetParam())) {}

  // For every option set, in both dtypes; over sockets, where an operation costs milliseconds, for
  // one of each.
  void each(
      const std::function<void(Communicator&, const AlgorithmOptions&, at::ScalarType)>& fn) const {
    run([&](Communicator& comm) {
      for (const AlgorithmOptions& options : sets()) {
        fn(comm, options, at::kFloat);
        if (!fast()) break;
        fn(comm, options, at::kDouble);
      }
    });
  }
};

class AlgorithmContract : public OnBackend {};           // 1 to 4 workers
class AlgorithmContractBits : public OnBackend {};       // 1 to 4 workers who wait for each other
class AlgorithmContractFree : public OnBackend {};       // 2 to 4 workers who do not
class AlgorithmContractAlone : public OnBackend {};      // 1 worker
class AlgorithmContractGroup : public OnBackend {};      // 2 to 4 workers
class AlgorithmContractJoin : public OnBackend {};       // 3 workers who wait, then 2 of them
class AlgorithmContractQuadratic : public OnBackend {};  // 2 to 4 workers
class AlgorithmContractNetwork : public OnBackend {};    // 3 workers
class AlgorithmContractBackends : public OnBackend {};   // 3 workers who wait, not threads
class AlgorithmContractOperators : public OnBackend {};  // 3 workers who wait

TEST_P(AlgorithmContractAlone, OneWorkerIsThePlainLocalOptimizerBitForBit) {
  each([&](Communicator& comm, const AlgorithmOptions& options, at::ScalarType dtype) {
    Worker alone(0, dtype, kSteps), worker(0, dtype, kSteps);
    AlgorithmOptions plain = options;
    if (entry().plain_alone) entry().plain_alone(plain);
    worker.use(make(comm, plain), comm);
    alone.train(0, kSteps);
    worker.train(0, kSteps);
    EXPECT_TRUE(worker.x().equal(alone.x()));
  });
}

TEST_P(AlgorithmContractBits, ResumedEqualsUninterruptedBitForBit) {
  each([&](Communicator& comm, const AlgorithmOptions& options, at::ScalarType dtype) {
    Worker whole(comm.rank(), dtype, kSteps);
    whole.use(make(comm, options), comm);
    whole.train(0, kSteps);
    // One run leaves a checkpoint at every stop; all are gone on from by three workers that are
    // threads, in float32, elsewhere fewer.
    const int64_t pace = fast() && comm.size() == 3 && dtype == at::kFloat ? 1 : 4;
    Worker before(comm.rank(), dtype, kSteps);
    before.use(make(comm, options), comm);
    for (int64_t stop = 0; stop <= kSteps; stop += pace) {
      Worker after(comm.rank(), dtype, kSteps);
      after.use(make(comm, options), comm);
      after.train(0, 1);  // whatever it did before is forgotten
      after.load(before.save(), comm, stop);
      after.train(stop, kSteps);
      EXPECT_TRUE(after.x().equal(whole.x())) << "stopped at " << stop;
      EXPECT_EQ(after.algorithm().rounds(), whole.algorithm().rounds());
      EXPECT_EQ(after.algorithm().period(), whole.algorithm().period());
      EXPECT_EQ(after.algorithm().final_average_needed(), whole.algorithm().final_average_needed());
      before.train(stop, std::min(stop + pace, kSteps));
    }
  });
}

// What a row says it does not need may be anything: a foreign loop gives no more.
TEST_P(AlgorithmContractBits, WhatIsNotNeededIsNotLookedAt) {
  each([&](Communicator& comm, const AlgorithmOptions& options, at::ScalarType dtype) {
    Worker whole(comm.rank(), dtype, kSteps), spared(comm.rank(), dtype, kSteps);
    whole.use(make(comm, options), comm);
    spared.use(make(comm, options), comm);
    spared.give_no_more_than(entry().needs, entry().moves_first(options));
    whole.train(0, kSteps);
    spared.train(0, kSteps);
    EXPECT_TRUE(spared.x().equal(whole.x()));
  });
}

TEST_P(AlgorithmContractBits, TheSameRunGivesTheSameBitsAndLookingChangesNone) {
  each([&](Communicator& comm, const AlgorithmOptions& options, at::ScalarType dtype) {
    Worker unseen(comm.rank(), dtype, kSteps), again(comm.rank(), dtype, kSteps),
        seen(comm.rank(), dtype, kSteps);
    for (Worker* worker : {&unseen, &again, &seen}) worker->use(make(comm, options), comm);
    unseen.train(0, kSteps);
    again.train(0, kSteps);
    EXPECT_TRUE(again.x().equal(unseen.x()));
    seen.look();
    for (int64_t step = 0; step < kSteps; ++step) {
      seen.train(step, step + 1);
      seen.look();
    }
    EXPECT_TRUE(seen.x().equal(unseen.x()));
    unseen.algorithm().quiesce();
    const auto left = seen.algorithm().state(), expected = unseen.algorithm().state();
    ASSERT_EQ(left.size(), expected.size());
    for (size_t i = 0; i < left.size(); ++i) {
      EXPECT_TRUE(left[i].second.equal(expected[i].second)) << left[i].first;
    }
  });
}

// Its course is a matter of timing, but what a checkpoint holds is exact, and it goes on from
// there.
TEST_P(AlgorithmContractFree, ResumedGoesOnWhereItWas) {
  each([&](Communicator& comm, const AlgorithmOptions& options, at::ScalarType dtype) {
    Worker before(comm.rank(), dtype, kSteps), after(comm.rank(), dtype, kSteps);
    before.use(make(comm, options), comm);
    before.train(0, 4);
    const at::Tensor mean = before.look();
    comm.all_reduce_mean(mean);
    after.use(make(comm, options), comm);
    after.train(0, 1);  // whatever it did before is forgotten
    after.look();
    after.load(before.save(), comm, 4);
    EXPECT_EQ(after.algorithm().rounds(), 4);
    after.freeze();
    after.train(4, kSteps);  // only meets the others
    const at::Tensor later = after.look();
    EXPECT_EQ(after.algorithm().rounds(), kSteps);
    comm.all_reduce_mean(later);
    EXPECT_LT((later - mean).abs().max().item<double>(), dtype == at::kDouble ? 1e-13 : 1e-5);
  });
}

TEST_P(AlgorithmContract,
       BytesAreWhatTheTableSaysDtypeAndSizeStayAndAnAverageIsSparedWhereItIsKnown) {
  each([&](Communicator& comm, const AlgorithmOptions& options, at::ScalarType dtype) {
    Worker worker(comm.rank(), dtype, kSteps);
    worker.use(make(comm, options), comm);
    const int64_t before = comm.total_bytes();
    worker.train(0, kSteps);
    EXPECT_GT(worker.algorithm().rounds(), 0);
    RoundCost cost = {.d = worker.x().numel(),
                      .element_size = static_cast<int64_t>(worker.x().element_size()),
                      .layers = 2,
                      .rank = comm.rank(),
                      .workers = comm.size(),
                      .seed = 5,
                      .shapes = {{5, 3}, {1, 4}}};
    int64_t bytes = 0;
    for (; comm.size() > 1 && cost.round < worker.algorithm().rounds(); ++cost.round) {
      bytes += entry().bytes_per_round(cost, options);
    }
    EXPECT_EQ(comm.total_bytes() - before, bytes);

    EXPECT_EQ(worker.x().scalar_type(), dtype);
    EXPECT_EQ(worker.g().scalar_type(), dtype);
    EXPECT_EQ(worker.x().numel(), 19);
    EXPECT_EQ(worker.g().numel(), 19);

    // The final average is spared only right after a round, in which the workers have learned it,
    // or where they never part.
    const bool needed = worker.algorithm().final_average_needed();
    const at::Tensor flags = drawn({1}, 0, dtype).fill_(needed);
    ASSERT_TRUE(comm.all_gather(flags).eq(flags).all().item<bool>());
    const bool together = comm.all_gather(worker.x()).eq(worker.x()).all().item<bool>();
    EXPECT_TRUE(needed || together || worker.algorithm().last_round().has_value());
  });
}

// With a period of 3, of the methods that have rounds: until the first of them nothing differs, and
// there what the optimizers remember is what the workers' own become by the rule.
TEST_P(AlgorithmContractGroup, OptimizersKeepMeetOrForgetWhatTheyRememberInARound) {
  run([&](Communicator& comm) {
    if (!entry().defaults.has("optimizer-state")) return;
    const auto with = [&](const char* state) {
      AlgorithmOptions options = sets()[0];
      set(options.settings(), "optimizer-state", SettingValue(state));
      return options;
    };
    const auto started = [&](Worker& worker, const char* state) {
      const AlgorithmOptions options = with(state);
      worker.use(make(comm, options, kSteps, 19, {}, &worker.optimizer()), comm);
      const int64_t before = comm.total_bytes();
      worker.train(0, 3);
      EXPECT_EQ(worker.algorithm().rounds(), 1);
      RoundCost cost = {.d = 19,
                        .element_size = 8,
                        .layers = 2,
                        .rank = comm.rank(),
                        .workers = comm.size(),
                        .seed = 5};
      EXPECT_EQ(comm.total_bytes() - before, entry().bytes_per_round(cost, options)) << state;
    };
    const auto own = [&] { return Worker(comm.rank(), at::kDouble, kSteps); };
    Worker local = own(), average = own(), reset = own();
    started(local, "local");
    started(reset, "reset");
    EXPECT_TRUE(reset.optimizer().state().empty());
    EXPECT_TRUE(reset.x().equal(local.x()));
    if (entry().name == "noloco") {
      EXPECT_EQ(error_of<UsageError>([&] { entry().check(with("average"), comm.size(), 5); }),
                "optimizer-state average is the mean of all workers, and of noloco only pairs "
                "meet: local or reset");
      return;
    }
    started(average, "average");
    EXPECT_TRUE(average.x().equal(local.x()));
    const auto kept = vectors_of(local.optimizer()), met = vectors_of(average.optimizer());
    ASSERT_EQ(kept.size(), met.size());
    for (size_t i = 0; i < kept.size(); ++i) {
      at::Tensor mean = kept[i].clone();
      comm.all_reduce_mean(mean);
      EXPECT_FALSE(mean.equal(kept[i]));
      EXPECT_TRUE(met[i].equal(mean));
    }

    // Gone on with from a checkpoint, bit for bit.
    for (Worker* whole : {&average, &reset}) {
      const char* state = whole == &average ? "average" : "reset";
      Worker after = own();
      after.use(make(comm, with(state), kSteps, 19, {}, &after.optimizer()), comm);
      after.load(whole->save(), comm, 3);
      after.train(3, kSteps);
      whole->train(3, kSteps);
      EXPECT_TRUE(after.x().equal(whole->x())) << state;
    }
  });
}

// Every worker has its own bowl, unless the algorithm takes sides; the sum of all is lowest at the
// mean of the centers. Every option set with three workers, one with other numbers of them.
TEST_P(AlgorithmContractQuadratic, Converges) {
  run([&](Communicator& comm) {
    auto sets = this->sets();
    if (workers() != 3) sets.resize(1);
    for (const AlgorithmOptions& options : sets) {
      Tuning tuning = this->tuning();
      if (says_late(options)) tuning.rate /= 4, tuning.steps *= 6;
      const int64_t steps = tuning.steps;
      Worker worker(comm.rank(), at::kDouble, steps, tuning);
      if (!entry().impartial) worker.share_the_bowl();
      worker.use(make(comm, options, steps), comm);
      const at::Tensor goal = worker.center().clone(), start = worker.x().clone();
      comm.all_reduce_mean(goal);
      worker.train(0, steps, /*noise=*/0);
      const at::Tensor x = worker.x().clone();
      comm.all_reduce_mean(x);
      const double before = (start - goal).norm().item<double>();
      EXPECT_LT((x - goal).norm().item<double>(), 0.03 * before)
          << fmt::format("{}", fmt::join(texts_of_set(options), " "));
    }
  });
}

TEST_P(AlgorithmContractNetwork, LearnsXor) {
  const int64_t steps = 50, batch = 32, samples = 512;
  const DataSplits data = make_xor({.train_samples = samples, .test_samples = 256, .seed = 1});
  run([&](Communicator& comm) {
    const auto model = make_model("mlp", {.input = {2, 1, 1}, .classes = 2, .seed = 7});
    const FlatParameters flat(model->parameters(), model->buffers());
    const auto optimizer = make_optimizer({.momentum = tuning().momentum}, flat);
    AlgorithmOptions options = sets()[0];
    if (options.has("bucket-bytes"))
      set(options.settings(), "bucket-bytes", int64_t{16 << 10});  // three buckets
    std::optional<double> rate;
    if (entry().owns_update) rate = 0.03;  // as of Adam
    const auto algorithm = make(comm, options, steps, flat.size(), rate);
    at::Tensor x = flat.values(), g = flat.gradients();
    algorithm->join(comm, x);
    Random random(derive_seed(1, comm.rank(), "batches"));
    for (int64_t step = 0; step < steps; ++step) {
      at::Tensor rows = at::empty({batch}, at::kLong);
      for (int64_t i = 0; i < batch; ++i) {
        rows.data_ptr<int64_t>()[i] = static_cast<int64_t>(random.below(samples));
      }
      StepInfo info{.step = step, .total_steps = steps};
      algorithm->before_gradient(info, x);
      g.zero_();
      const at::Tensor loss =
          at::cross_entropy_loss(model->forward(data.train->inputs.index_select(0, rows)),
                                 data.train->targets.index_select(0, rows));
      loss.backward();
      info.loss = loss.item<double>();
      algorithm->on_gradient(info, x, g);
      algorithm->local_step(info, x, g, [&] { optimizer->step(2 * tuning().rate); });
      algorithm->after_step(info, x);
    }
    comm.all_reduce_mean(x);
    const at::Tensor answers = model->forward(data.test->inputs).argmax(1);
    EXPECT_GT(answers.eq(data.test->targets).to(at::kDouble).mean().item<double>(), 0.97);
  });
}

// Where the workers stand after training in double, by rank.
std::vector<at::Tensor> ends(const Row& row, const std::string& backend) {
  std::vector<at::Tensor> result(static_cast<size_t>(row.workers()));
  run_ranks(
      row.workers(),
      [&](Communicator& comm) {
        Worker worker(comm.rank(), at::kDouble, kSteps, row.tuning());
        worker.use(row.make(comm, row.sets()[0]), comm);
        worker.train(0, kSteps);
        result[static_cast<size_t>(comm.rank())] = worker.look();
      },
      backend, 60);
  return result;
}

void expect_near(const std::vector<at::Tensor>& there, const std::vector<at::Tensor>& here) {
  for (size_t m = 0; m < here.size(); ++m) {
    EXPECT_LT((there[m] - here[m]).abs().max().item<double>(), 1e-12) << m;
  }
}

// How the workers talk changes rounding at most.
TEST_P(AlgorithmContractBackends, ComesWhereThreadsCome) {
  expect_near(ends(*this, std::get<1>(GetParam())), ends(*this, "thread"));
}

// And so does whether Valley's own loops pass over the vectors, or LibTorch's operators.
TEST_P(AlgorithmContractOperators, ComeWhereFusedPassesCome) {
  const std::vector<at::Tensor> fused = ends(*this, "thread");
  const OperatorsOnly operators;
  expect_near(ends(*this, "thread"), fused);
}

// No trainer, no optimizer, no flat parameters: a leaf of autograd and a loop. What a method does
// is not recorded.
TEST_P(AlgorithmContract, LivesInAForeignLoop) {
  each([&](Communicator& comm, const AlgorithmOptions& options, at::ScalarType dtype) {
    at::Tensor x = drawn({19}, 1, dtype).set_requires_grad(true);
    const at::Tensor goal = drawn({19}, 2, dtype);
    const auto distance = [&](const at::Tensor& from) { return (from - goal).square().sum(); };
    const double before = distance(x).item<double>();
    const auto algorithm = make(comm, options);
    algorithm->join(comm, x);
    for (int64_t step = 0; step < kSteps; ++step) {
      StepInfo info{.step = step, .total_steps = kSteps};
      algorithm->before_gradient(info, x);
      x.mutable_grad() = at::Tensor();
      const at::Tensor loss = distance(x);
      loss.backward();
      at::Tensor g = x.grad();
      info.loss = loss.item<double>();
      algorithm->on_gradient(info, x, g);
      algorithm->local_step(info, x, g, [&] { x.data().sub_(g, kRate); });
      algorithm->after_step(info, x);
    }
    algorithm->quiesce();
    EXPECT_TRUE(x.is_leaf());
    EXPECT_TRUE(x.requires_grad());
    for (const auto& [name, tensor] : algorithm->state()) {
      EXPECT_FALSE(tensor.requires_grad()) << name;
    }
    EXPECT_LT(distance(algorithm->view(x)).item<double>(), before);
  });
}

// Two of three go on together from their mean: nothing of before is left, to the bit.
TEST_P(AlgorithmContractJoin, AnotherMembershipBeginsAnew) {
  for (const AlgorithmOptions& options : sets()) {
    const auto pair = make_thread_group(2);
    run([&](Communicator& three) {
      const Tuning plain = {.momentum = 0};
      Worker stayed(three.rank(), at::kDouble, kSteps, plain),
          fresh(three.rank(), at::kDouble, kSteps, plain);
      stayed.use(make(three, options), three);
      stayed.train(0, 5);
      const at::Tensor mean = stayed.look();
      if (three.rank() == 2) return;
      Communicator& two = *pair[static_cast<size_t>(three.rank())];
      two.all_reduce_mean(mean);
      for (Worker* worker : {&stayed, &fresh}) worker->stand_at(mean);
      stayed.join(two, 5);
      fresh.use(make(two, options), two, 5);
      for (Worker* worker : {&stayed, &fresh}) worker->train(5, kSteps);
      EXPECT_TRUE(stayed.x().equal(fresh.x()));
      EXPECT_EQ(stayed.algorithm().rounds(), fresh.algorithm().rounds());
      EXPECT_EQ(stayed.algorithm().final_average_needed(),
                fresh.algorithm().final_average_needed());
    });
  }
}

TEST_P(AlgorithmContractGroup, APeerThatDiesIsACommErrorForTheOthers) {
  const double timeout = 20, start = now_seconds();
  std::atomic<int> told = 0;
  try {
    run(
        [&](Communicator& comm) {
          Worker worker(comm.rank(), at::kFloat, kSteps);
          worker.use(make(comm, sets()[0]), comm);
          worker.train(0, 4);
          if (comm.rank() == comm.size() - 1) throw std::runtime_error("the dog ate my gradient");
          try {
            worker.train(4, kSteps);
            ADD_FAILURE() << "rank " << comm.rank() << " noticed nothing";
          } catch (const CommError&) {
            ++told;
            throw;
          }
        },
        timeout);
    ADD_FAILURE() << "no error";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "the dog ate my gradient");
  }
  EXPECT_EQ(told, workers() - 1);
  EXPECT_LT(now_seconds() - start, timeout);
}

enum class Rows { kAll, kWaiting, kFree, kWithOptimizer };

std::vector<std::string> names(Rows rows = Rows::kAll) {
  std::vector<std::string> result;
  for (const AlgorithmEntry& entry : algorithms()) {
    const bool wanted = rows == Rows::kWithOptimizer
                            ? !entry.owns_update
                            : rows == Rows::kAll || entry.asynchronous == (rows == Rows::kFree);
    if (wanted) result.push_back(entry.name);
  }
  return result;
}

std::string test_name(const testing::TestParamInfo<AlgorithmContract::ParamType>& info) {
  const auto& [algorithm, backend, workers] = info.param;
  std::string text = fmt::format("{}_{}_{}", algorithm, backend, workers);
  std::replace(text.begin(), text.end(), '-', '_');
  return text;
}

const std::vector<std::string> kThread = {"thread"};

// Every backend but that of threads, which is faster to test.
std::vector<std::string> others() {
  std::vector<std::string> names = rank_backends();
  names.erase(std::find(names.begin(), names.end(), kThread.front()));
  return names;
}

auto on(const std::vector<std::string>& backends, const std::vector<int>& workers,
        Rows rows = Rows::kAll) {
  return testing::Combine(testing::ValuesIn(names(rows)), testing::ValuesIn(backends),
                          testing::ValuesIn(workers));
}

// A method that needs shared memory has no sockets; the trainer's refusal is tested there.
INSTANTIATE_TEST_SUITE_P(Threads, AlgorithmContract, on(kThread, {1, 2, 3, 4}), test_name);
INSTANTIATE_TEST_SUITE_P(Sockets, AlgorithmContract, on(others(), {3}, Rows::kWaiting), test_name);
INSTANTIATE_TEST_SUITE_P(Threads, AlgorithmContractBits, on(kThread, {1, 2, 3, 4}, Rows::kWaiting),
                         test_name);
INSTANTIATE_TEST_SUITE_P(Sockets, AlgorithmContractBits, on(others(), {3}, Rows::kWaiting),
                         test_name);
INSTANTIATE_TEST_SUITE_P(Threads, AlgorithmContractFree, on(kThread, {2, 3, 4}, Rows::kFree),
                         test_name);
INSTANTIATE_TEST_SUITE_P(, AlgorithmContractAlone, on(kThread, {1}, Rows::kWithOptimizer),
                         test_name);
INSTANTIATE_TEST_SUITE_P(Threads, AlgorithmContractGroup, on(kThread, {2, 3, 4}), test_name);
INSTANTIATE_TEST_SUITE_P(Sockets, AlgorithmContractGroup, on(others(), {3}, Rows::kWaiting),
                         test_name);
INSTANTIATE_TEST_SUITE_P(, AlgorithmContractJoin, on(kThread, {3}, Rows::kWaiting), test_name);
INSTANTIATE_TEST_SUITE_P(, AlgorithmContractQuadratic, on(kThread, {2, 3, 4}), test_name);
INSTANTIATE_TEST_SUITE_P(, AlgorithmContractNetwork, on(kThread, {3}), test_name);
INSTANTIATE_TEST_SUITE_P(, AlgorithmContractBackends, on(others(), {3}, Rows::kWaiting), test_name);
INSTANTIATE_TEST_SUITE_P(, AlgorithmContractOperators, on(kThread, {3}, Rows::kWaiting), test_name);

// All rows at once, since most of the time is waiting.
TEST(AlgorithmTimeouts, APeerThatHangsIsACommErrorForTheOthers) {
  const auto hang = [](const Row& row, double timeout) {
    std::atomic<int> told = 0;
    const auto worker_of = [&](Communicator& comm) {
      Worker worker(comm.rank(), at::kFloat, kSteps);
      worker.use(row.make(comm, row.sets()[0]), comm);
      if (comm.rank() == 0) {
        const double end = now_seconds() + 30;
        while (told < row.workers() - 1 && now_seconds() < end) {
          std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        return;
      }
      try {
        worker.train(0, kSteps);
      } catch (const CommError&) {
        ++told;
        throw;
      }
    };
    EXPECT_THROW(row.run(worker_of, timeout), CommError) << row.entry().name;
    EXPECT_EQ(told, row.workers() - 1) << row.entry().name;
  };
  for (const std::string& backend : rank_backends()) {
    const bool threads = backend == kThread.front();
    std::vector<std::jthread> groups;
    for (const std::string& name : names(threads ? Rows::kAll : Rows::kWaiting)) {
      // Over sockets they also connect within that time.
      groups.emplace_back([=] { hang(Row(name, backend, 3), threads ? 0.5 : 4); });
    }
  }
}

// The demonstration with its defaults.
void expect_to_learn(const std::string& algorithm, Precision precision) {
  static const DataSplits data =
      make_prototypes({.train_samples = 600, .test_samples = 200, .seed = 1});
  RunConfig config;
  config.data = "prototypes";
  config.model = "mlp-32-32";
  config.algorithm = algorithm;
  config.epochs = 20;
  config.precision = precision;
  if (find_algorithm(algorithm).owns_update) config.learning_rate.base = 0.005;  // as of Adam
  try {
    check(config);
  } catch (const UsageError&) {
    config.workers = 5;  // d2 refuses a ring of an even number, and says what to do
  }
  TrainOptions options = to_train_options(config);
  options.evaluate_every = 0;
  Summary summary;
  run_threads(static_cast<int>(config.workers), [&](Communicator& comm) {
    const auto model = make_model(config.model, {.input = {32, 1, 1}, .classes = 10, .seed = 1});
    Trainer trainer(comm, *model, data, options);
    const Summary mine = trainer.run();
    if (comm.rank() == 0) summary = mine;
  });
  EXPECT_EQ(summary.verdict, Verdict::kLearned) << algorithm << ": " << summary.caution();
  EXPECT_LT(summary.train.loss(), 0.9 * summary.first_loss) << algorithm;
}

// Whoever takes a row as it comes, with what the program sets by itself, gets a model that is
// better than none: on the demonstration's data, which every method can learn.
TEST(AlgorithmDefaults, NoRowFailsOnTheDemonstration) {
  for (const AlgorithmEntry& entry : algorithms()) {
    expect_to_learn(entry.name, Precision::kFloat32);
  }
}

// One that averages weights, one that averages gradients, one of neighbours.
TEST(AlgorithmDefaults, NorInBf16) {
  for (const char* algorithm : {"dppf", "ssgd", "dpsgd"}) {
    expect_to_learn(algorithm, Precision::kBf16);
  }
}

// Looks at everything, and draws of LibTorch's random numbers, which it may.
class Onlooker : public Probe {
 public:
  ProbeResult measure(const ProbePoint& point) override {
    at::rand({3});
    seen += point.x.sum().item<double>() + point.average.sum().item<double>();
    return {.figures = {{"batch_norm", point.buffers().numel()}}, .text = "", .passes = 0};
  }

  double seen = 0;
};

TEST(AlgorithmLooks, EvaluationsProbesAndCheckpointsChangeNoBitOfATraining) {
  const DataSplits data = make_prototypes({.train_samples = 96, .test_samples = 24, .seed = 1});
  const auto train = [&](const std::string& algorithm, bool watched,
                         const MethodValues& more = {}) {
    RunConfig config;
    config.data = "prototypes";
    config.model = "mlp-8-8";
    config.algorithm = algorithm;
    config.workers = 3;
    for (const auto& [key, value] : more) set(config, key, value);
    TrainOptions options = to_train_options(config);
    options.batch_size = 8;
    options.epochs = 3;  // of four steps
    const TestFolder folder;
    options.evaluate_every = watched ? 1 : 0;
    options.checkpoint_every = watched ? 5 : 0;
    if (watched) options.out = folder.path().string();
    at::Tensor average;
    run_threads(3, [&](Communicator& comm) {
      const auto model = make_model(config.model, {.input = {32, 1, 1}, .classes = 10, .seed = 1});
      Onlooker onlooker;
      Trainer trainer(comm, *model, data, options);
      trainer.set_probe(&onlooker, watched ? 3 : 0);
      trainer.run();
      EXPECT_EQ(onlooker.seen != 0, watched);
      if (comm.rank() == 0) average = trainer.parameters().values().clone();
    });
    return average;
  };
  for (const std::string& algorithm : names(Rows::kWaiting)) {
    EXPECT_TRUE(train(algorithm, true).equal(train(algorithm, false))) << algorithm;
  }
  const MethodValues hidden = {
      {"period", "4"}, {"delay", int64_t{1}}, {"fragments", int64_t{2}}, {"wire", "int8"}};
  EXPECT_TRUE(train("dppf", true, hidden).equal(train("dppf", false, hidden)));
}

TEST(AlgorithmRegistry, EveryRowIsComplete) {
  std::set<std::string> seen;
  for (const AlgorithmEntry& entry : algorithms()) {
    EXPECT_FALSE(entry.name.empty());
    EXPECT_EQ(entry.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"),
              std::string::npos)
        << entry.name;
    EXPECT_TRUE(seen.insert(entry.name).second) << entry.name << " is there twice";
    EXPECT_FALSE(entry.summary.empty()) << entry.name;
    EXPECT_FALSE(entry.cost.empty()) << entry.name;
    EXPECT_TRUE(entry.bytes_per_round) << entry.name;
    const auto keys = entry.defaults.keys();
    EXPECT_FALSE(keys.empty()) << entry.name;
    EXPECT_EQ(std::set<std::string>(keys.begin(), keys.end()).size(), keys.size()) << entry.name;
    EXPECT_EQ(&find_algorithm(entry.name), &entry);
  }
  for (const char* name :
       {"ssgd", "local-sgd", "dppf", "easgd", "lsgd", "mgrawa", "lgrawa", "dpsgd"}) {
    EXPECT_TRUE(seen.count(name)) << name;
  }
}

TEST(AlgorithmRegistry, NoHookIsCalledBeforeJoining) {
  at::Tensor x = drawn({3}, 1), g = drawn({3}, 2);
  for (const AlgorithmEntry& entry : algorithms()) {
    const auto algorithm =
        make_algorithm(entry.name, {},
                       {.learning_rate = [](int64_t) { return 0.1; },
                        .layers = {{0, 3}},
                        .layer_gradient_norms = [] { return std::vector<double>{1}; }});
    for (const std::function<void()>& hook : std::vector<std::function<void()>>{
             [&] { algorithm->before_gradient({}, x); },
             [&] { algorithm->on_gradient_part(g, 0, 3); },
             [&] { algorithm->on_gradient({}, x, g); },
             [&] { algorithm->local_step({}, x, g, [] {}); }, [&] { algorithm->after_step({}, x); },
             [&] { algorithm->quiesce(); }}) {
      EXPECT_EQ(valley::error_of<UsageError>(hook),
                "an algorithm must join() the workers before its first step")
          << entry.name;
    }
  }
}

TEST(AlgorithmRegistry, AnUnknownNameOffersTheNearest) {
  const auto error_of = [](const std::string& name) {
    try {
      find_algorithm(name);
    } catch (const UsageError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  const std::string known = fmt::format("known: {}", fmt::join(names(), ", "));
  EXPECT_EQ(error_of("dpff"), "unknown algorithm 'dpff'; did you mean 'dppf'? " + known);
  EXPECT_EQ(error_of("localsgd"),
            "unknown algorithm 'localsgd'; did you mean 'local-sgd'? " + known);
  EXPECT_EQ(error_of("transformer"), "unknown algorithm 'transformer'; " + known);
  EXPECT_EQ(error_of(""), "unknown algorithm ''; " + known);
}

// Two rows that share a key mean the same by it: one flag, one default, one rule.
TEST(AlgorithmRegistry, RowsThatShareASettingAgreeOnIt) {
  for (const AlgorithmEntry& entry : algorithms()) {
    AlgorithmOptions options = entry.defaults;
    for (const Setting& setting : options.settings()) {
      const auto& all = method_settings();
      const auto shared = std::find_if(
          all.begin(), all.end(), [&](const MethodSetting& m) { return m.key == setting.key; });
      ASSERT_NE(shared, all.end()) << setting.key;
      AlgorithmOptions first = shared->readers.front()->defaults;
      for (const Setting& theirs : first.settings()) {
        if (theirs.key != setting.key) continue;
        EXPECT_EQ(theirs.help, setting.help) << entry.name << " " << setting.key;
        EXPECT_EQ(theirs.type, setting.type) << entry.name << " " << setting.key;
        EXPECT_EQ(theirs.traits, setting.traits) << entry.name << " " << setting.key;
        EXPECT_EQ(theirs.get(), setting.get()) << entry.name << " " << setting.key;
        EXPECT_EQ(texts_of(theirs.refused), texts_of(setting.refused)) << entry.name;
      }
    }
  }
}

// Every value that a rule refuses is refused by each algorithm that reads the setting, before
// anybody joins.
TEST(AlgorithmRegistry, SettingsOutOfRangeNameThemselvesBeforeAnybodyJoins) {
  const AlgorithmContext context = {.total_steps = 10,
                                    .learning_rate = [](int64_t) { return 0.1; },
                                    .layers = {{0, 1}},
                                    .layer_gradient_norms = [] { return std::vector<double>{1}; }};
  int refused = 0;
  for (const AlgorithmEntry& entry : algorithms()) {
    EXPECT_NO_THROW(make_algorithm(entry.name, {}, context)->prepare(1)) << entry.name;
    for (const std::string& key : entry.defaults.keys()) {
      for (const SettingValue& value : refused_values(entry.defaults, key)) {
        const std::string error = error_of<UsageError>([&] {
          make_algorithm(entry.name, entry.with({{key, value}}), context)->prepare(1);
        });
        EXPECT_TRUE(error.starts_with(key + " must be ") || error.starts_with("unknown "))
            << entry.name << " takes " << key << " = " << plain_text(value) << ": " << error;
        ++refused;
      }
    }
    if (entry.defaults.has("optimizer-state")) {
      for (const auto& [state, lacks] :
           {std::pair{"reset", "reset_optimizer"}, std::pair{"average", "optimizer_state"}}) {
        const AlgorithmOptions options = entry.with({{"optimizer-state", state}});
        if (entry.name == "noloco" && state == std::string("average")) continue;
        EXPECT_EQ(error_of<UsageError>([&] { make_algorithm(entry.name, options, context); }),
                  fmt::format("optimizer-state {} needs AlgorithmContext::{}", state, lacks));
      }
    }
    if (entry.defaults.has("delay")) {
      const auto refusal = [&](const char* key, int64_t value) {
        return error_of<UsageError>([&] {
          make_algorithm(entry.name,
                         entry.with({{"optimizer-state", "reset"}, {"period", "8"}, {key, value}}),
                         context);
        });
      };
      for (const char* key : {"delay", "fragments"})
        EXPECT_EQ(refusal(key, 2), fmt::format("optimizer-state reset is of all of a round at "
                                               "once: {} 2 does not go with it",
                                               key));
    }
    if (entry.defaults.has("topology")) {
      EXPECT_EQ(
          error_of<UsageError>([&] {
            make_algorithm(entry.name, entry.with({{"topology", "ring:3"}}), context)->prepare(1);
          }),
          "topology ring takes nothing after a colon, got '3'")
          << entry.name;
    }
    if (entry.defaults.has("compress-rounds")) {
      EXPECT_EQ(error_of<UsageError>([&] {
                  make_algorithm(entry.name, entry.with({{"compress-rounds", "sign:3"}}), context);
                }),
                "compress-rounds sign takes nothing after a colon, got 'sign:3'")
          << entry.name;
    }
  }
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace valley
