/// The time of one DPPF round beside its floor: the bare in-place all-reduce of Gloo on the flat
/// vector, plus one pass that reads x and x_A and writes x.
///
///     round_bench gloo D ROUNDS      started once a worker, see valley/comm/rendezvous.h
///     round_bench c10d D ROUNDS      the same over a Gloo group of c10d; the floor is that group's
///     own
///                                    all-reduce and the pass
///     round_bench mpi D ROUNDS       the same under mpirun; the floor is MPI's own all-reduce, or
///     its reduce-scatter and all-gather where these are faster, and the pass
///     round_bench thread D ROUNDS M  the floor is 1.5 times what all workers take that copy their
///                                    vectors at once
///     round_bench wire D ROUNDS WIRE over gloo, a round of dppf with --wire WIRE and without; and
///                                    what of a core's time they take
///
/// Worker 0 prints one JSON line: milliseconds a round of each variant, the mean over ROUNDS
/// rounds. Floor and round alternate in blocks within one process, so both see the same machine.
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gloo/allreduce.h>
#include <gloo/math.h>
#include <gloo/rendezvous/context.h>
#include <gloo/rendezvous/file_store.h>
#include <gloo/transport/tcp/device.h>
#ifdef VALLEY_HAS_MPI
#include <mpi.h>
#endif

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "valley/algorithms/pull_push.h"
#include "valley/algorithms/registry.h"
#include "valley/comm/gloo.h"
#include "valley/comm/group.h"
#include "valley/comm/mpi.h"
#include "valley/comm/process_group.h"
#include "valley/comm/rendezvous.h"
#include "valley/comm/testing/process_group_threads.h"
#include "valley/core/clock.h"

namespace {

using valley::Communicator;

// Gloo as it is, without anything of Valley.
class BareAllReduce {
 public:
  BareAllReduce(int rank, int size, const std::string& store_folder) {
    gloo::rendezvous::FileStore store(store_folder);
    auto device = gloo::transport::tcp::CreateDevice(gloo::transport::tcp::attr("127.0.0.1"));
    context_ = std::make_shared<gloo::rendezvous::Context>(rank, size);
    context_->connectFullMesh(store, device);
  }

  void run(float* x, int64_t d) {
    gloo::AllreduceOptions options(context_);
    options.setOutput(x, static_cast<size_t>(d));
    options.setReduceFunction(
        [](void* out, const void* a, const void* b, size_t n) { gloo::sum<float>(out, a, b, n); });
    gloo::allreduce(options);
  }

 private:
  std::shared_ptr<gloo::rendezvous::Context> context_;
};

// Reads x and the mean, writes x.
void one_pass(float* __restrict x, const float* __restrict mean, float weight, int64_t d) {
  for (int64_t i = 0; i < d; ++i) x[i] += weight * (mean[i] - x[i]);
}

template <typename F>
double milliseconds(Communicator& comm, int rounds, const F& f) {
  comm.barrier();
  const double start = valley::now_seconds();
  for (int i = 0; i < rounds; ++i) f();
  return (valley::now_seconds() - start) / rounds * 1e3;
}

// Of all threads of this process: less in the hands of other programs than time is.
double cpu_milliseconds() { return 1e3 * double(std::clock()) / CLOCKS_PER_SEC; }

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

// `bare` adds the workers' buffers up in place.
void bench(Communicator& comm, int64_t d, int rounds,
           const std::function<void(at::Tensor& buffer)>& bare) {
  at::Tensor x = at::randn({d}), buffer = at::randn({d});
  valley::PullPush round({.pull = 0.1, .push = 0.5});
  constexpr int kBlocks = 5;
  double floor = 0, all_reduce = 0, own_all_reduce = 0, ours = 0;
  for (int block = -1; block < kBlocks; ++block) {  // the first one warms up
    const double f = milliseconds(comm, rounds, [&] {
      bare(buffer);
      one_pass(x.data_ptr<float>(), buffer.data_ptr<float>(), 0.1f, d);
      buffer.data_ptr<float>()[0] = 1;
    });
    buffer.fill_(1);  // sums would grow without bound
    const double a = milliseconds(comm, rounds, [&] { bare(buffer); });
    buffer.fill_(1);
    const double o = milliseconds(comm, rounds, [&] { round.round(x, comm); });
    const double own = milliseconds(comm, rounds, [&] { comm.all_reduce_sum(x, buffer); });
    buffer.fill_(1);
    if (block < 0) continue;
    own_all_reduce += own / kBlocks;
    floor += f / kBlocks;
    all_reduce += a / kBlocks;
    ours += o / kBlocks;
  }
  if (comm.rank() == 0) {
    std::printf(
        "{\"floor\": %.4f, \"all_reduce\": %.4f, \"own_all_reduce\": %.4f, \"round\": %.4f}\n",
        floor, all_reduce, own_all_reduce, ours);
  }
}

valley::WorkerEnvironment this_worker() {
  return *valley::read_environment([](const char* v) { return std::getenv(v); });
}

void bench_gloo(int64_t d, int rounds) {
  const valley::WorkerEnvironment environment = this_worker();
  const auto comm = valley::make_gloo(valley::join_options(environment, 60));
  const auto folder = std::filesystem::temp_directory_path() /
                      ("valley_bench_" + std::to_string(environment.master_port));
  std::filesystem::create_directories(folder);
  BareAllReduce bare(comm->rank(), comm->size(), folder.string());
  bench(*comm, d, rounds, [&](at::Tensor& buffer) { bare.run(buffer.data_ptr<float>(), d); });
  if (comm->rank() == 0) std::filesystem::remove_all(folder);
}

void bench_c10d(int64_t d, int rounds) {
  const valley::WorkerEnvironment environment = this_worker();
  const auto store = valley::tcp_store(environment.master_address, environment.master_port,
                                       /*server=*/environment.rank == 0);
  const auto group = valley::gloo_group(store, environment.rank, environment.size);
  const auto comm = valley::make_process_group(group, {.store = store});
  bench(*comm, d, rounds, [&](at::Tensor& buffer) {
    std::vector<at::Tensor> tensors = {buffer};
    group->allreduce(tensors)->wait();
  });
}

#ifdef VALLEY_HAS_MPI
void bench_mpi(int64_t d, int rounds) {
  const auto comm = valley::make_mpi(valley::join_options(this_worker(), 60));
  const auto all_reduce = [&](at::Tensor& x) {
    MPI_Allreduce(MPI_IN_PLACE, x.data_ptr<float>(), static_cast<int>(d), MPI_FLOAT, MPI_SUM,
                  MPI_COMM_WORLD);
  };
  std::vector<int> counts, places;
  for (int m = 0; m < comm->size(); ++m) {
    places.push_back(static_cast<int>(d * m / comm->size()));
    counts.push_back(static_cast<int>(d * (m + 1) / comm->size()) - places.back());
  }
  at::Tensor part = at::empty({counts[static_cast<size_t>(comm->rank())]});
  const auto in_two = [&](at::Tensor& x) {
    MPI_Reduce_scatter(x.data_ptr<float>(), part.data_ptr<float>(), counts.data(), MPI_FLOAT,
                       MPI_SUM, MPI_COMM_WORLD);
    MPI_Allgatherv(part.data_ptr<float>(), static_cast<int>(part.numel()), MPI_FLOAT,
                   x.data_ptr<float>(), counts.data(), places.data(), MPI_FLOAT, MPI_COMM_WORLD);
  };
  at::Tensor x = at::zeros({d});
  double seconds[2] = {};
  for (int turn = -1; turn < 3; ++turn) {  // the first one warms up
    const double one = milliseconds(*comm, rounds, [&] { all_reduce(x); });
    const double two = milliseconds(*comm, rounds, [&] { in_two(x); });
    if (turn >= 0) seconds[0] += one, seconds[1] += two;
  }
  MPI_Bcast(seconds, 2, MPI_DOUBLE, 0, MPI_COMM_WORLD);
  if (seconds[0] <= seconds[1]) {
    bench(*comm, d, rounds, all_reduce);
  } else {
    bench(*comm, d, rounds, in_two);
  }
}
#endif

// A worker's rounds of dppf, one in every step.
class Rounds {
 public:
  Rounds(Communicator& comm, int64_t d, const std::string& wire)
      : method_(valley::make_algorithm(
            "dppf", valley::find_algorithm("dppf").with({{"period", "1"}, {"wire", wire}}),
            {.total_steps = 1 << 20})),
        x_(at::randn({d})) {
    method_->join(comm, x_);
  }

  void round() { method_->after_step({.step = step_++, .total_steps = 1 << 20}, x_); }

 private:
  std::unique_ptr<valley::Algorithm> method_;
  at::Tensor x_;
  int64_t step_ = 0;
};

// In turns of a round each, so that both see the same machine; medians.
void bench_wire(int64_t d, int rounds, const std::string& wire) {
  const auto comm = valley::make_gloo(valley::join_options(this_worker(), 60));
  Rounds plain(*comm, d, "none"), coded(*comm, d, wire);
  std::vector<double> with, without, cpu_with, cpu_without;
  const auto time = [&](Rounds& rounds, std::vector<double>& wall, std::vector<double>& cpu) {
    const double begin = cpu_milliseconds();
    wall.push_back(milliseconds(*comm, 1, [&] { rounds.round(); }));
    cpu.push_back(cpu_milliseconds() - begin);
  };
  for (int i = -2; i < rounds; ++i) {
    if (i == 0) {
      for (auto* times : {&with, &without, &cpu_with, &cpu_without}) times->clear();
    }
    time(plain, without, cpu_without);
    time(coded, with, cpu_with);
  }
  if (comm->rank() == 0) {
    std::printf(
        "{\"none\": %.2f, \"%s\": %.2f, \"ratio\": %.3f, \"cpu_none\": %.2f, \"cpu\": %.2f, "
        "\"cpu_ratio\": %.3f}\n",
        median(without), wire.c_str(), median(with), median(with) / median(without),
        median(cpu_without), median(cpu_with), median(cpu_with) / median(cpu_without));
  }
}

// In turns of a block each; medians. A copy moves 2 d values, a round cannot do without 3 d.
void bench_thread(int64_t d, int rounds, int workers) {
  valley::run_threads(workers, [&](Communicator& comm) {
    at::Tensor x = at::randn({d}), y = at::zeros({d});
    valley::PullPush round({.pull = 0.1, .push = 0.5});
    std::vector<double> copies, ours;
    for (int block = -1; block < 11; ++block) {  // the first one warms up
      const double copy = milliseconds(comm, rounds, [&] {
        std::memcpy(y.data_ptr(), x.data_ptr(), x.nbytes());
        comm.barrier();
      });
      const double own = milliseconds(comm, rounds, [&] { round.round(x, comm); });
      if (block < 0) continue;
      copies.push_back(copy);
      ours.push_back(own);
    }
    const double copy = median(copies), own = median(ours);
    if (comm.rank() == 0) {
      std::printf("{\"copy\": %.4f, \"floor\": %.4f, \"round\": %.4f, \"ratio\": %.3f}\n", copy,
                  1.5 * copy, own, own / (1.5 * copy));
    }
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const int64_t d = std::atoll(argv[2]);
  const int rounds = std::atoi(argv[3]);
  if (std::string(argv[1]) == "gloo") {
    bench_gloo(d, rounds);
  } else if (std::string(argv[1]) == "wire") {
    bench_wire(d, rounds, argc > 4 ? argv[4] : "bf16");
  } else if (std::string(argv[1]) == "c10d") {
    bench_c10d(d, rounds);
#ifdef VALLEY_HAS_MPI
  } else if (std::string(argv[1]) == "mpi") {
    bench_mpi(d, rounds);
#endif
  } else {
    bench_thread(d, rounds, argc > 4 ? std::atoi(argv[4]) : 2);
  }
}
