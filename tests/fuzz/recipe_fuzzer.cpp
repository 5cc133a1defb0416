#include "tests/fuzz/fuzzer.h"
#include "valley/record/config_file.h"
#include "valley/study/sharpness_table.h"
#include "valley/train/grid.h"

using namespace valley;

// What read_study() makes of a recipe's text, but for the folder it is to go to.
VALLEY_FUZZER(recipe) {
  return fuzz::taken([&] {
    const ConfigGrid read = parse_config_grid(bytes, "a.toml", "sharpness");
    check(sharpness_options_of(read.others, "a.toml"));
    RunConfig shared;
    apply_config(read.shared, "a.toml", shared);
    // A mixing matrix has a row and a column for each of as many workers as were asked for, and
    // every run is a whole configuration: a few are enough here, or more than there may be.
    require(shared.workers <= 64, "as many workers as there are");
    double runs = 1;
    for (const ConfigAxis& axis : read.grid) {
      require(axis.key != "workers", "as many workers as there are");
      runs *= static_cast<double>(axis.values.size());
    }
    require(runs <= 64 || runs > 1e6, "as many runs as there may be");
    expand_grid(shared, read.grid, "a.toml");
  });
}
