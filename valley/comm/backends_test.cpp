#include "valley/comm/backends.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"

namespace valley::backends_test {
namespace {

TEST(Backends, EveryRowIsComplete) {
  std::set<std::string> seen;
  for (const BackendEntry& entry : backends()) {
    EXPECT_EQ(entry.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789"),
              std::string::npos)
        << entry.name;
    EXPECT_TRUE(seen.insert(entry.name).second) << entry.name << " is there twice";
    EXPECT_NE(entry.name, "auto");
    EXPECT_FALSE(entry.summary.empty()) << entry.name;
    EXPECT_FALSE(entry.needs.empty()) << entry.name;
    EXPECT_EQ(entry.join == nullptr, entry.capabilities.shares_memory) << entry.name;
    EXPECT_EQ(entry.started_by.empty(), entry.capabilities.shares_memory) << entry.name;
    EXPECT_EQ(entry.in_threads == nullptr, entry.by_mpi || entry.name == "nccl") << entry.name;
    EXPECT_TRUE(entry.capabilities.takes(c10::DeviceType::CPU)) << "the tests need it";
    EXPECT_TRUE(entry.capabilities.adds_up(at::kFloat) && entry.capabilities.adds_up(at::kDouble));
  }
}

// What is known without LibTorch.
TEST(Backends, TheirFactsAreTheirCapabilities) {
  ASSERT_EQ(backend_table().size(), backends().size());
  for (const BackendEntry& entry : backends()) {
    EXPECT_EQ(entry.shares_memory, entry.capabilities.shares_memory) << entry.name;
    EXPECT_EQ(entry.devices, describe_devices(entry.capabilities.devices)) << entry.name;
    EXPECT_EQ(entry.sums, describe_dtypes(entry.capabilities.sums)) << entry.name;
  }
}

TEST(Backends, ARowKnowsItsCommunicators) {
  for (const BackendEntry& entry : backends()) {
    if (entry.in_threads == nullptr) continue;
    run_group(
        entry, 2,
        [&](Communicator& comm) {
          EXPECT_EQ(comm.backend(), entry.name);
          EXPECT_EQ(comm.capabilities(), entry.capabilities) << entry.name;
        },
        10);
    run_group(entry, 1, [](Communicator& comm) { EXPECT_EQ(comm.backend(), "solo"); });
  }
}

TEST(Backends, AreChosenByNameOrByWhatIsLaunched) {
  EXPECT_EQ(choose_backend("auto", "threads").name, "thread");
  EXPECT_EQ(choose_backend("auto", "processes").name, "gloo");
  EXPECT_EQ(choose_backend("thread", "threads").name, "thread");
  EXPECT_EQ(choose_backend("gloo", "processes").name, "gloo");
  EXPECT_EQ(error_of<UsageError>([] { choose_backend("thread", "processes"); }),
            "backend thread needs launch threads: processes share no memory");
  EXPECT_EQ(error_of<UsageError>([] { choose_backend("gloo", "threads"); }),
            "backend gloo needs launch processes, torchrun, mpirun or srun");
#ifdef VALLEY_HAS_MPI
  EXPECT_EQ(choose_backend("mpi", "processes").name, "mpi");
  EXPECT_EQ(error_of<UsageError>([] { choose_backend("mpi", "threads"); }),
            "backend mpi needs mpirun, or srun with a plugin for MPI");
  EXPECT_EQ(error_of<UsageError>([] { run_group(find_backend("mpi"), 2, [](Communicator&) {}); }),
            "backend mpi needs mpirun, or srun with a plugin for MPI");
#else
  EXPECT_EQ(error_of<UsageError>([] { choose_backend("mpi", "processes"); }),
            "backend mpi is not part of this program: no MPI was there when it was built");
#endif
#ifdef VALLEY_HAS_NCCL
  EXPECT_EQ(choose_backend("nccl", "processes").name, "nccl");
#else
  EXPECT_EQ(error_of<UsageError>([] { choose_backend("nccl", "processes"); }),
            "backend nccl needs NCCL, and this LibTorch has none");
#endif
  EXPECT_TRUE(error_of<UsageError>([] {
                choose_backend("glo", "threads");
              }).starts_with("unknown backend 'glo'; did you mean 'gloo'? known: auto, thread"));
}

#ifdef VALLEY_HAS_NCCL
TEST(Nccl, NeedsAGpuForEachWorkerBeforeAnybodyWaits) {
  JoinOptions options{.rank = 1, .size = 2, .local_rank = 1000};
  EXPECT_THAT(error_of<UsageError>([&] { find_backend("nccl").join(options); }),
              testing::MatchesRegex("backend nccl needs a GPU for each worker: LibTorch finds "
                                    "[0-9]+ here, and this is worker 1000 of this machine, counted "
                                    "from 0"));
  EXPECT_EQ(find_backend("nccl").join({})->backend(), "solo");
}
#endif

TEST(Capabilities, AreDescribedForPeople) {
  EXPECT_EQ(describe_dtypes({at::kFloat}), "float");
  EXPECT_EQ(describe_dtypes({at::kFloat, at::kDouble, at::kHalf}), "float, double or half");
  EXPECT_EQ(describe_devices({c10::DeviceType::CPU, c10::DeviceType::CUDA}), "cpu or cuda");
}

}  // namespace
}  // namespace valley::backends_test
