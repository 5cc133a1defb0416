/// A training loop of your own around one algorithm of Valley. What it takes: the model's
/// parameters as one flat vector x with its gradient g, the algorithm, which joins the workers
/// once, and its three hooks. Here four workers, threads of this process, train a small network
/// with DPPF and plain SGD.
///
///     own_loop [STEPS]
#include <ATen/Parallel.h>
#include <ATen/ops/cross_entropy_loss.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "valley/algorithms/dppf.h"
#include "valley/algorithms/registry.h"
#include "valley/comm/group.h"
#include "valley/data/loader.h"
#include "valley/models/registry.h"
#include "valley/optim/flat_parameters.h"

int main(int argc, char** argv) {
  constexpr int kWorkers = 4;
  const int64_t steps = argc > 1 ? std::atoll(argv[1]) : 2000;
  const valley::DataSplits data = valley::load_data("blobs", {.train_samples = 2000});

  valley::run_threads(kWorkers, [&](valley::Communicator& comm) {
    at::set_num_threads(1);  // a worker's share of the cores
    // The same seed, so all workers begin with the same weights.
    const auto model = valley::make_model("mlp", {.input = {1, 28, 28}, .classes = 10, .seed = 1});
    const valley::FlatParameters parameters(model->parameters(), model->buffers());
    at::Tensor x = parameters.values(), g = parameters.gradients();  // [d]

    valley::Sampler sampler({.examples = data.train->size(),
                             .batch_size = 32,
                             .rank = comm.rank(),
                             .workers = comm.size()});
    valley::Loader loader(data.train, *data.train, /*augmentation=*/{}, /*seed=*/1, comm.rank());

    const valley::DppfOptions options = {.pull_push = {.pull = 0.1, .push = 0.2},
                                         .period = valley::parse_period("4")};
    const auto dppf = valley::make_dppf(options, {.total_steps = steps});
    dppf->join(comm, x);

    const int64_t report_every = std::max<int64_t>(1, steps / 10);
    for (int64_t step = 0; step < steps; ++step) {
      valley::StepInfo info{.step = step, .total_steps = steps};
      const valley::Batch batch = loader.gather(sampler.batch(step), step);

      dppf->before_gradient(info, x);
      g.zero_();
      const at::Tensor loss = at::cross_entropy_loss(model->forward(batch.input), batch.target);
      loss.backward();
      info.loss = valley::Loss(loss);

      dppf->on_gradient(info, x, g);
      x.sub_(g, 0.05 * (1 - double(step) / double(steps)));  // SGD, its rate falling to 0
      dppf->after_step(info, x);

      if (comm.rank() == 0 && (step + 1) % report_every == 0 && dppf->last_round()) {
        std::printf("step %5lld   loss %.4f   distance to the average %.3f   predicted %.3f\n",
                    static_cast<long long>(step + 1), double(info.loss),
                    dppf->last_round()->distance, dppf->last_round()->figure("predicted_width"));
      }
    }

    // The valley width: how far from their average the workers are, in the mean.
    at::Tensor average = x.clone();
    comm.all_reduce_mean(average);
    at::Tensor width = x.sub(average).norm();
    comm.all_reduce_mean(width);
    if (comm.rank() == 0) std::printf("valley width %.3f\n", width.item<double>());
  });
}
