/// The time of one DPPF round of threads on a device beside the time of its memory traffic:
///
///     device_bench DEVICE D WORKERS ROUNDS
///
/// Prints one JSON line: milliseconds of a round of all workers together; of copies that move as
/// many bytes; and the ratio. A worker's share of a round reads, or writes, d values this often:
/// the sum reads x once and writes the sum once; norms and step read x and the sum once and write x
/// once.
#include <ATen/ops/empty.h>
#include <ATen/ops/randn.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "valley/algorithms/pull_push.h"
#include "valley/comm/group.h"
#include "valley/core/clock.h"
#include "valley/models/device.h"

namespace {

constexpr int kPasses = 5;

// Waits for all that is queued: a value is read.
void wait(const at::Tensor& x) { x.narrow(0, 0, 1).item<float>(); }

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "device_bench DEVICE D WORKERS ROUNDS\n");
    return 2;
  }
  const at::Device device = valley::find_device(argv[1]);
  const int64_t d = std::atoll(argv[2]);
  const int workers = std::atoi(argv[3]), rounds = std::atoi(argv[4]);
  const auto options = at::TensorOptions().dtype(at::kFloat).device(device);
  constexpr int kBlocks = 5;
  double round = 0, traffic = 0;
  valley::run_threads(workers, [&](valley::Communicator& comm) {
    at::Tensor x = at::randn({d}, options), from = at::randn({d}, options),
               to = at::empty({d}, options);
    valley::PullPush pull_push({.pull = 0.1, .push = 0.5});
    const auto milliseconds = [&](const auto& f) {
      wait(x);
      comm.barrier();
      const double start = valley::now_seconds();
      for (int i = 0; i < rounds; ++i) f();
      wait(x);
      comm.barrier();
      return (valley::now_seconds() - start) / rounds * 1e3;
    };
    for (int block = -1; block < kBlocks; ++block) {  // the first one warms up
      const double r = milliseconds([&] { pull_push.round(x, comm); });
      const double c = milliseconds([&] { to.copy_(from); });  // 2 passes
      if (block < 0 || comm.rank() != 0) continue;
      round += r / kBlocks;
      traffic += c * kPasses / 2 / kBlocks;
    }
  });
  std::printf("{\"round\": %.4f, \"traffic\": %.4f, \"ratio\": %.3f}\n", round, traffic,
              round / traffic);
  return 0;
}
