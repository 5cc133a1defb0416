#include "valley/testing/run_ranks.h"

#include <cstdlib>
#include <exception>
#include <utility>

#include "valley/comm/backends.h"
#include "valley/comm/group.h"
#include "valley/comm/mpi.h"
#include "valley/comm/mpi_library.h"
#include "valley/comm/testing/process_group_threads.h"
#include "valley/core/error.h"

namespace valley {
namespace {

constexpr const char* kMpi = "mpi";
constexpr double kInStepSeconds = 120;  // until all processes have ended a test

bool under_mpirun() {
  const char* backend = std::getenv("VALLEY_TEST_BACKEND");
  return backend != nullptr && std::string(backend) == kMpi;
}

MakeWorker make_ranks(int workers, const std::string& backend, double timeout_seconds) {
  return backend == kProcessGroup ? process_group_threads(workers, timeout_seconds)
                                  : find_backend(backend).in_threads(workers, timeout_seconds, {});
}

JoinOptions join_first(int workers, double timeout_seconds) {
  JoinOptions options{.size = workers};
  options.timeout_seconds = timeout_seconds;
  return options;
}

std::unique_ptr<Communicator> join_all() {
  return join_mpi(join_first(MpiLibrary::start(kInStepSeconds).size(), kInStepSeconds));
}

// This process's part of run_ranks(), as run_workers() does it for a thread.
void run_process(int workers, const std::function<void(Communicator&)>& fn, double timeout_seconds,
                 const WrapRank& wrap) {
  std::exception_ptr error;
  if (MpiLibrary::start(kInStepSeconds).rank() < workers) {
    std::unique_ptr<Communicator> comm;
    const auto give_up = [&](const std::string& reason) {
      error = std::current_exception();
      if (comm) comm->abort(reason);
    };
    try {
      comm = join_mpi(join_first(workers, timeout_seconds));
      if (wrap) comm = wrap(std::move(comm));
      fn(*comm);
    } catch (const std::exception& e) {
      give_up(marked_text(e));
    }
  }
  join_all()->barrier();
  MpiLibrary::start(kInStepSeconds).expect_orderly_end(true);  // all are there
  if (error) std::rethrow_exception(error);
}

}  // namespace

std::vector<std::string> rank_backends() {
  if (under_mpirun()) return {kMpi};
  std::vector<std::string> names;
  for (const BackendEntry& entry : backends()) {
    if (entry.in_threads) names.push_back(entry.name);
  }
  return names;
}

std::vector<std::string> tested_backends() {
  std::vector<std::string> names = rank_backends();
  if (!under_mpirun()) names.emplace_back(kProcessGroup);
  return names;
}

void run_ranks(int workers, const std::function<void(Communicator&)>& fn,
               const std::string& backend, double timeout_seconds, const WrapRank& wrap) {
  if (backend == kMpi) {
    return workers == 1 ? fn(*make_solo()) : run_process(workers, fn, timeout_seconds, wrap);
  }
  const MakeWorker make = make_ranks(workers, backend, timeout_seconds);
  if (workers == 1) return fn(*make(0));
  if (!wrap) return run_workers(workers, make, fn);
  run_workers(
      workers, [&](int rank) { return wrap(make(rank)); }, fn);
}

std::vector<std::string> written_by_all(const std::string& backend,
                                        std::vector<std::string> by_rank) {
  if (backend != kMpi || by_rank.size() < 2) return by_rank;
  const auto all = join_all();
  const auto self = static_cast<size_t>(all->rank());
  std::vector<std::string> texts = all->all_gather_text(self < by_rank.size() ? by_rank[self] : "");
  texts.resize(by_rank.size());
  return texts;
}

}  // namespace valley
