// One worker process for the tests of comm: comm_test_worker FOLDER MODE [RANK]
//
//   sum          sums the ranks + 1, writes "sum S from SOURCE", ends with 0
//   die RANK     that rank kills itself with SIGKILL after three operations; the others go on
//                until they get a CommError, write it and end with 3
//   part RANK    even and odd ranks sum in parts, then all; then that rank kills itself while the
//   others
//                sum in their parts and then meet
//   burst RANK   sums of 32 MB, one after the other, in the midst of which that rank kills itself
//   late RANK    that rank comes half a second late to the second of two sums; who waits for it
//   tells fail RANK    the same, but it leaves with status 7 and without a word
//
// Every worker writes into FOLDER/<rank>. With TEST_BACKEND=c10d they have a Gloo group of c10d,
// with TEST_BACKEND=mpi an mpirun, else gloo.
#include <ATen/ops/full.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "valley/comm/gloo.h"
#include "valley/comm/mpi.h"
#include "valley/comm/process_group.h"
#include "valley/comm/rendezvous.h"
#include "valley/comm/testing/process_group_threads.h"
#include "valley/comm/token.h"
#include "valley/core/error.h"

namespace {

using valley::Communicator;

float sum_of_ranks(Communicator& comm) {
  at::Tensor x = at::full({1000}, comm.rank() + 1.0, at::kFloat);
  comm.all_reduce_sum(x, x);
  return *static_cast<float*>(x.data_ptr());
}

std::unique_ptr<Communicator> join(const valley::WorkerEnvironment& place, double timeout,
                                   std::ostream& out, bool tells) {
  const char* named = std::getenv("TEST_BACKEND");
  const std::string backend = named ? named : "";
  valley::JoinOptions options = valley::join_options(place, timeout);
  options.stall_seconds = 0.1;
  if (tells) options.on_stall = [&out](const std::string& text) { out << text << std::endl; };
  if (backend == "mpi") return valley::make_mpi(options);
  options.token = valley::read_token("", [](const char* name) { return std::getenv(name); });
  if (backend != valley::kProcessGroup) return valley::make_gloo(options);
  const auto store = valley::tcp_store(place.master_address, place.master_port, place.rank == 0);
  valley::ProcessGroupOptions group{.store = store, .interface = "lo"};
  group.timeout_seconds = timeout;
  return valley::make_process_group(valley::gloo_group(store, place.rank, place.size), group);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  alarm(60);  // whatever goes wrong, no process is left behind
  const std::string folder = argv[1], mode = argv[2];
  const int culprit = argc > 3 ? std::atoi(argv[3]) : -1;
  const double timeout = std::getenv("TEST_TIMEOUT") ? std::atof(std::getenv("TEST_TIMEOUT")) : 10;

  const auto place = valley::read_environment([](const char* name) { return std::getenv(name); });
  if (!place) return 2;
  std::ofstream out(folder + "/" + std::to_string(place->rank));

  try {
    const auto comm = join(*place, timeout, out, mode == "late");
    if (mode == "sum") {
      out << "sum " << sum_of_ranks(*comm) << " from " << name(place->launcher) << std::endl;
      return 0;
    }
    if (mode == "late") {
      sum_of_ranks(*comm);
      if (comm->rank() == culprit) std::this_thread::sleep_for(std::chrono::milliseconds(500));
      const float sum = sum_of_ranks(*comm);  // which may tell before it is there
      out << "sum " << sum << std::endl;
      return 0;
    }
    if (mode == "part") {
      const auto part = comm->split(comm->rank() % 2);
      out << "sum " << sum_of_ranks(*part) << " of " << sum_of_ranks(*comm) << std::endl;
      if (comm->rank() == culprit) raise(SIGKILL);
      sum_of_ranks(*part);
      comm->barrier();
    }
    if (mode == "burst") {
      at::Tensor x = at::full({8 << 20}, 1.0, at::kFloat);
      comm->all_reduce_sum(x, x);
      std::jthread end([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(150));
        if (comm->rank() == culprit) raise(SIGKILL);
      });
      while (true) comm->all_reduce_sum(x, x);
    }
    for (int i = 0;; ++i) {
      if (i == 3 && comm->rank() == culprit) {
        if (mode == "die") raise(SIGKILL);
        _exit(7);
      }
      sum_of_ranks(*comm);
    }
  } catch (const valley::CommError& error) {
    out << error.what() << std::endl;
    return 3;
  }
}
