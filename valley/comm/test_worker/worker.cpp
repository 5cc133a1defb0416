// One worker process for the tests of comm: comm_test_worker FOLDER MODE [RANK]
//
//   sum          sums the ranks + 1, writes "sum S from SOURCE", ends with 0
//   die RANK     that rank kills itself with SIGKILL after three operations; the others go on
//                until they get a CommError, write it and end with 3
//   part RANK    even and odd ranks sum in parts, then all; then that rank kills itself while the
//   others
//                sum in their parts and then meet
//   fail RANK    the same, but it leaves with status 7 and without a word
//
// Every worker writes into FOLDER/<rank>.
#include <ATen/ops/full.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <string>

#include "valley/comm/gloo.h"
#include "valley/comm/rendezvous.h"
#include "valley/core/error.h"

namespace {

using valley::Communicator;

float sum_of_ranks(Communicator& comm) {
  at::Tensor x = at::full({1000}, comm.rank() + 1.0, at::kFloat);
  comm.all_reduce_sum(x, x);
  return *static_cast<float*>(x.data_ptr());
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
    const auto comm = valley::make_gloo(valley::join_options(*place, timeout));
    if (mode == "sum") {
      out << "sum " << sum_of_ranks(*comm) << " from " << name(place->launcher) << std::endl;
      return 0;
    }
    if (mode == "part") {
      const auto part = comm->split(comm->rank() % 2);
      out << "sum " << sum_of_ranks(*part) << " of " << sum_of_ranks(*comm) << std::endl;
      if (comm->rank() == culprit) raise(SIGKILL);
      sum_of_ranks(*part);
      comm->barrier();
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
