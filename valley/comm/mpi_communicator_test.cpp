#ifdef VALLEY_HAS_MPI
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

#include "valley/comm/mpi.h"
#include "valley/comm/testing/processes.h"
#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"

namespace valley::mpi_communicator_test {
namespace {

// What all backends promise is tested by comm_mpi, see the CMakeLists.txt.
class MpiProcesses : public Processes {
 protected:
  // Lets the survivors of a killed worker end by themselves.
  void mpirun(int workers, const std::string& mode, int culprit, double timeout) const {
    std::ignore = std::system(
        fmt::format("TEST_BACKEND=mpi TEST_TIMEOUT={} OMP_NUM_THREADS=1 mpirun --allow-run-as-root "
                    "--oversubscribe --enable-recovery -n {} {} {} {} {} > {}/out 2>&1",
                    timeout, workers, COMM_TEST_WORKER, folder_, mode, culprit, folder_)
            .c_str());
  }
};

TEST_F(MpiProcesses, SumInPartsAndNameTheOneKilledInAPart) {
  mpirun(4, "part", 3, 10);
  EXPECT_EQ(written(3), "sum 3 of 10\n");
  for (const int rank : {0, 1, 2}) {
    EXPECT_THAT(written(rank),
                testing::StartsWith("sum 3 of 10\nlost rank 3 (its process has ended) in "));
  }
}

TEST_F(MpiProcesses, SurvivorsNameTheOneKilledInTheMidstOfASum) {
  mpirun(3, "burst", 1, 10);
  for (const int rank : {0, 2}) {
    EXPECT_THAT(written(rank), testing::StartsWith("lost rank 1 (its process has ended) in "
                                                   "all_reduce "));
  }
}

TEST_F(MpiProcesses, TheFirstWhoWaitsTellsForWhom) {
  mpirun(3, "late", 0, 20);
  EXPECT_THAT(written(1), testing::HasSubstr("waiting for rank 0 in all_reduce 2, for 0."));
  EXPECT_THAT(written(2), testing::Not(testing::HasSubstr("rank 0 in all_reduce 2")));
  for (const int rank : {0, 1, 2}) EXPECT_THAT(written(rank), testing::EndsWith("sum 6\n"));
}

TEST(Mpi, IsNotInitialisedForAWorkerThatMpirunHasNotStarted) {
  EXPECT_EQ(error_of<UsageError>([] { make_mpi({.rank = 1, .size = 2}); }),
            "backend mpi needs workers that mpirun has started");
  EXPECT_EQ(error_of<UsageError>([] { make_mpi({.rank = 2, .size = 2}); }),
            "rank must be in [0, 2), got 2");
  EXPECT_EQ(make_mpi({})->backend(), "solo");
}

}  // namespace
}  // namespace valley::mpi_communicator_test
#endif
