#include "valley/algorithms/personal.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "valley/algorithms/personal_check.h"
#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/testing/normals.h"
#include "valley/testing/run_ranks.h"

namespace valley::personal_test {
namespace {

constexpr int64_t kSteps = 9;
constexpr double kRate = 0.05;

// A body of 6 and 3 values, and a head of 4 between them.
FlatParameters network() {
  return FlatParameters({{"body", normals({2, 3}, 1, at::kDouble).set_requires_grad(true)},
                         {"head", normals({4}, 2, at::kDouble).set_requires_grad(true)},
                         {"rest", normals({3}, 3, at::kDouble).set_requires_grad(true)}});
}

at::Tensor body_of(const at::Tensor& x) { return at::cat({x.narrow(0, 0, 6), x.narrow(0, 10, 3)}); }
at::Tensor head_of(const at::Tensor& x) { return x.narrow(0, 6, 4); }

AlgorithmContext context_for(int rank, std::vector<LayerRange> layers, std::vector<double> norms) {
  return {.total_steps = kSteps,
          .steps_per_epoch = 4,
          .seed = 5,
          .learning_rate = [](int64_t) { return kRate; },
          .layers = std::move(layers),
          .layer_gradient_norms =
              [norms = std::move(norms), rank] {
                std::vector<double> own = norms;
                own[0] += rank;
                return own;
              }};
}

// Every worker has a bowl of its own; each value of the gradient depends on that of x alone.
void train(Algorithm& method, Communicator& comm, at::Tensor x, const at::Tensor& centre,
           int64_t from = 0, int64_t to = kSteps) {
  for (int64_t step = from; step < to; ++step) {
    const StepInfo info = {.step = step, .total_steps = kSteps};
    method.before_gradient(info, x);
    at::Tensor g = (x - centre - 0.3 * comm.rank()).mul_(0.7);
    method.on_gradient(info, x, g);
    method.local_step(info, x, g, [&] { x.sub_(g, kRate); });
    method.after_step(info, x);
  }
  method.quiesce();
}

TEST(Personal, EveryMethodMovesTheBodyAsIfThereWereNoHead) {
  const FlatParameters flat = network();
  const at::Tensor start = flat.values(), centre = normals({13}, 4, at::kDouble);
  for (const AlgorithmEntry& entry : algorithms()) {
    if (entry.asynchronous || entry.owns_update) continue;
    SCOPED_TRACE(entry.name);
    run_ranks(3, [&](Communicator& comm) {
      const auto alone =
          make_algorithm(entry.name, {}, context_for(comm.rank(), {{0, 6, 2}, {6, 3}}, {1, 0.5}));
      at::Tensor body = body_of(start);
      alone->join(comm, body);
      const int64_t bytes = comm.total_bytes();
      train(*alone, comm, body, body_of(centre));
      const int64_t of_body = comm.total_bytes() - bytes;

      const auto method = make_personal(
          entry.name, {}, context_for(comm.rank(), {{0, 6, 2}, {6, 4}, {10, 3}}, {1, 7, 0.5}),
          SharedPart(flat, "head"));
      at::Tensor x = start.clone();
      method->join(comm, x);
      const int64_t before = comm.total_bytes();
      train(*method, comm, x, centre);
      EXPECT_EQ(comm.total_bytes() - before, of_body);
      EXPECT_TRUE(at::equal(body_of(x), body));
      EXPECT_TRUE(at::equal(body_of(method->view(x)), alone->view(body)));
      EXPECT_EQ(method->rounds(), alone->rounds());
      EXPECT_EQ(method->period(), alone->period());
      EXPECT_EQ(method->final_average_needed(), alone->final_average_needed());

      if (entry.name == "palsgd") return;  // has steps without the optimizer
      at::Tensor head = head_of(start).clone();
      for (int64_t step = 0; step < kSteps; ++step)
        head.sub_((head - head_of(centre) - 0.3 * comm.rank()).mul_(0.7), kRate);
      EXPECT_TRUE(at::equal(head_of(x), head));
      EXPECT_TRUE(at::equal(head_of(method->view(x)), head));
    });
  }
}

TEST(Personal, ResumedIsTheSame) {
  const FlatParameters flat = network();
  const at::Tensor centre = normals({13}, 4, at::kDouble);
  run_ranks(3, [&](Communicator& comm) {
    const auto make = [&] {
      return make_personal("sgp", {}, context_for(comm.rank(), {}, {1}), SharedPart(flat, "head"));
    };
    at::Tensor whole = flat.values().clone(), x = whole.clone();
    const auto first = make(), second = make(), third = make();
    first->join(comm, whole);
    train(*first, comm, whole, centre);
    second->join(comm, x);
    train(*second, comm, x, centre, 0, 4);
    third->join(comm, x, 4);
    third->load_state(second->state());
    train(*third, comm, x, centre, 4);
    EXPECT_TRUE(at::equal(x, whole));
  });
}

TEST(Personal, SharedPartsAreTakenAndPutBack) {
  const FlatParameters flat = network();
  const SharedPart shared(flat, "he*"), all;
  EXPECT_FALSE(shared.all());
  EXPECT_TRUE(all.all());
  EXPECT_TRUE(SharedPart(flat, "").all());
  const at::Tensor x = at::arange(13, at::kDouble);
  EXPECT_EQ(shared.size_of(x), 9);
  EXPECT_EQ(all.size_of(x), 13);
  at::Tensor s, back = at::zeros({13}, at::kDouble);
  shared.take(x, s);
  EXPECT_TRUE(at::equal(s, body_of(x)));
  shared.put(s, back);
  EXPECT_TRUE(at::equal(body_of(back), s));
  EXPECT_EQ(head_of(back).abs().max().item<double>(), 0);
  EXPECT_EQ(error_of<UsageError>([&] { SharedPart(flat, "neck"); }),
            "personal: no parameter is called 'neck'; there are body, head, rest");
  EXPECT_EQ(error_of<UsageError>([&] { SharedPart(flat, "*"); }),
            "personal * leaves nothing to be shared");
}

TEST(Personal, WhatCannotBeIsRefused) {
  EXPECT_EQ(error_of<UsageError>([] { check_personal("cd-adam", {}, "head"); }),
            "cd-adam takes the whole step by itself: what is personal would never move");
  const auto average = find_algorithm("local-sgd").with({{"optimizer-state", "average"}});
  EXPECT_EQ(error_of<UsageError>([&] { check_personal("local-sgd", average, "head"); }),
            "optimizer-state average is of all parameters, some of which are personal: "
            "optimizer-state local");
  EXPECT_NO_THROW(check_personal("local-sgd", {}, "head"));
  EXPECT_NO_THROW(check_personal("cd-adam", {}, ""));
}

}  // namespace
}  // namespace valley::personal_test
