#include "tests/fuzz/fuzzer.h"
#include "valley/topology/files.h"

using namespace valley;

// A matrix, or the edges of a graph, of three workers.
VALLEY_FUZZER(topology) {
  static const TestFolder folder;
  spill(folder / "a.txt", std::string(bytes));
  bool any = false;
  for (const auto make :
       {&make_matrix_from_file, &make_edges_from_file, &make_directed_edges_from_file}) {
    any |= fuzz::taken(
        [&] { make({.workers = 3, .argument = (folder / "a.txt").string()})->matrix(0); });
  }
  return any;
}
