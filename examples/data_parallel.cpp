/// Data-parallel training in C++, what DistributedDataParallel is in Python: every worker has the
/// same network and its share of the batch, the gradients are averaged, and so all take the same
/// step. Under torchrun, mpirun or srun the workers are processes, else four threads.
///
///     data_parallel        torchrun --nproc_per_node 4 -r 1 -t 1 --no_python data_parallel
#include <torch/nn/functional/loss.h>
#include <torch/nn/modules/linear.h>

#include <cstdio>
#include <cstdlib>

#include "valley/algorithms/ssgd.h"
#include "valley/comm/rendezvous.h"
#include "valley/models/initialisation.h"
#include "valley/valley.h"

struct Net : torch::nn::Module {
  torch::nn::Linear first{register_module("first", torch::nn::Linear(784, 64))};
  torch::nn::Linear last{register_module("last", torch::nn::Linear(64, 10))};
  at::Tensor forward(const at::Tensor& x) { return last(first(x.flatten(1)).relu()); }
};

void work(valley::Communicator& comm) {
  constexpr int64_t kSteps = 100;
  const valley::DataSplits data = valley::load_data("blobs", {.train_samples = 2000});
  const auto model = [] {
    const valley::InitialisationScope seeded(1);  // the same weights on every worker
    return valley::wrap(std::make_shared<Net>());
  }();
  const valley::FlatParameters parameters(model->parameters(), model->buffers());
  at::Tensor x = parameters.values(), g = parameters.gradients();
  const auto sgd = valley::make_optimizer({.momentum = 0.9}, parameters);
  valley::Sampler sampler(
      {.examples = data.train->size(), .rank = comm.rank(), .workers = comm.size()});
  valley::Loader loader(data.train, *data.train, {}, /*seed=*/1, comm.rank());
  const auto method = valley::make_ssgd({}, {.total_steps = kSteps});  // or make_dppf(), ...
  method->join(comm, x);
  for (int64_t step = 0; step < kSteps; ++step) {
    const valley::StepInfo info{.step = step, .total_steps = kSteps};
    const valley::Batch batch = loader.gather(sampler.batch(step), step);
    method->before_gradient(info, x);
    g.zero_();
    torch::nn::functional::cross_entropy(model->forward(batch.input), batch.target).backward();
    method->on_gradient(info, x, g);  // the mean gradient
    method->local_step(info, x, g, [&] { sgd->step(0.05); });
    method->after_step(info, x);
  }
  const valley::Scores scores = valley::evaluate(*model, data.test, *data.train, comm);
  if (comm.rank() == 0) std::printf("test accuracy %.3f\n", scores["accuracy"]);
}

int main() {
  if (const auto launched = valley::read_environment(&std::getenv)) {
    const valley::BackendEntry& backend = valley::choose_backend("auto", "processes");
    work(*backend.join(valley::join_options(*launched, /*timeout_seconds=*/300)));
  } else {
    valley::run_threads(4, work);
  }
}
