#include "valley/topology/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "valley/core/error.h"

namespace valley::files_test {
namespace {

using testing::ElementsAre;

class TopologyFile : public testing::Test {
 protected:
  void SetUp() override {
    path_ = (std::filesystem::temp_directory_path() /
             ("valley-topology-" + std::to_string(getpid()) + ".txt"))
                .string();
  }
  void TearDown() override { std::filesystem::remove(path_); }

  std::unique_ptr<Topology> make(const std::string& name, int n, const std::string& text) {
    std::ofstream(path_) << text;
    return make_topology(name + ":" + path_, {.workers = n});
  }

  // The message must be "topology NAME:PATH" and then this.
  void refuse(const std::string& name, int n, const std::string& text, const std::string& rest) {
    const std::string message = "topology " + name + ":" + path_ + rest;
    EXPECT_THAT([&] { make(name, n, text); }, testing::ThrowsMessage<UsageError>(message)) << text;
  }

  std::string path_;
};

TEST_F(TopologyFile, AMatrix) {
  const auto topology =
      make("matrix", 3, "# pairs\n1/2, 0.5 0\n\n.5 5e-1\t0  # and one alone\r\n0 0 1");
  MixingMatrix expected = MixingMatrix::identity(3);
  expected(0, 0) = expected(0, 1) = expected(1, 0) = expected(1, 1) = 0.5;
  EXPECT_EQ(topology->matrix(0), expected);
  EXPECT_EQ(topology->cycle(), 1);
  EXPECT_FALSE(topology->directed());
  EXPECT_TRUE(make("matrix", 3, "0 1 0\n0 0 1\n1 0 0\n")->directed());
  const auto thirds = make("matrix", 3, "1/3 1/3 1/3\n1/3 1/3 1/3\n1/3 1/3 1/3\n");
  EXPECT_EQ(thirds->matrix(0), MixingMatrix::averaging(3));
}

TEST_F(TopologyFile, AMatrixThatIsWrong) {
  refuse("matrix", 2, "", ": the file has no rows");
  refuse("matrix", 2, "# nothing\n\n", ": the file has no rows");
  refuse("matrix", 2, "1 0 0\n0 1 0\n",
         ": the matrix must be square; it has 2 rows, line 1 has 3 entries");
  refuse("matrix", 2, "1 0\n\n1\n",
         ": the matrix must be square; it has 2 rows, line 3 has 1 entry");
  refuse("matrix", 4, "1 0\n0 1\n", ": the matrix is for 2 workers, workers is 4");
  refuse("matrix", 2, "1 0\n0 one\n", ": line 2: 'one' is no number");
  refuse("matrix", 2, "1 0\n0 1/0\n", ": line 2: '1/0' is no number");
  refuse("matrix", 2, "1 0\n0 inf\n", ": line 2: 'inf' is no number");
  refuse("matrix", 2, "1 0\n0 1/\n", ": line 2: '1/' is no number");
  refuse("matrix", 2, "1.5 -.5\n-.5 1.5\n",
         ": the weights must be >= 0, got -0.5 in row 0, column 1");
  refuse("matrix", 2, ".5 .5\n.5 .4\n", ": every row must sum to 1, row 1 sums to 0.9");
  refuse("matrix", 2, ".5 .5\n.75 .25\n", ": every column must sum to 1, column 0 sums to 1.25");
}

TEST_F(TopologyFile, ThatIsNotThere) {
  for (const char* name : {"matrix", "edges", "edges-directed"}) {
    EXPECT_THAT([&] { make_topology(std::string(name) + ":/nowhere/w.txt", {.workers = 2}); },
                testing::ThrowsMessage<UsageError>(
                    "cannot read /nowhere/w.txt: No such file or directory"));
  }
}

TEST_F(TopologyFile, Edges) {
  const auto path = make("edges", 3, "0 1  # a path\n2,1\n");
  EXPECT_EQ(path->graph(0).edges(), 4);
  EXPECT_DOUBLE_EQ(path->matrix(0)(0, 0), 2.0 / 3);
  EXPECT_DOUBLE_EQ(path->matrix(0)(0, 1), 1.0 / 3);
  EXPECT_TRUE(path->doubly_stochastic());
  EXPECT_EQ(make("edges", 1, "")->matrix(0), MixingMatrix::identity(1));
}

TEST_F(TopologyFile, DirectedEdges) {
  const auto topology = make("edges-directed", 3, "0 1\n0 2\n1 2\n2 0\n");
  EXPECT_THAT(topology->graph(0).receivers(0), ElementsAre(1, 2));
  EXPECT_TRUE(topology->directed());
  EXPECT_FALSE(topology->doubly_stochastic());
  EXPECT_DOUBLE_EQ(topology->matrix(0)(1, 0), 1.0 / 3);
  // A circle is regular, so it does without push-sum.
  EXPECT_TRUE(make("edges-directed", 3, "0 1\n1 2\n2 0\n")->doubly_stochastic());
}

TEST_F(TopologyFile, EdgesThatAreWrong) {
  refuse("edges", 3, "0 1\n1 2 3\n", ": line 2 must name two workers, got 3 words");
  refuse("edges", 3, "0\n", ": line 1 must name two workers, got 1 words");
  refuse("edges", 3, "0 3\n", ": line 1: '3' is no worker; with workers 3 they are 0 to 2");
  refuse("edges", 3, "-1 0\n", ": line 1: '-1' is no worker; with workers 3 they are 0 to 2");
  refuse("edges", 3, "a 0\n", ": line 1: 'a' is no worker; with workers 3 they are 0 to 2");
  refuse("edges", 3, "1 1\n", ": line 1: worker 1 needs no edge to itself");
  refuse("edges", 3, "0 1\n1 0\n", ": line 2: the edge 1 0 is there already");
  refuse("edges", 3, "0 1\n", ": no way leads from worker 0 to worker 2");
  refuse("edges-directed", 3, "0 1\n1 0\n1 2\n", ": no way leads from worker 2 to worker 0");
}

}  // namespace
}  // namespace valley::files_test
