#include "tests/fuzz/fuzzer.h"
#include "valley/data/table_data.h"

using namespace valley;

// A table to train on, one to test on.
VALLEY_FUZZER(table) {
  static const TestFolder folder;
  const auto files = fuzz::parts(bytes, 2);
  spill(folder / "train.csv", files[0]);
  spill(folder / "test.csv", files[1]);
  const auto load = [](const std::string& path, bool real_targets) {
    return fuzz::taken([&] {
      const DataSplits data = load_table(path, {.real_targets = real_targets});
      for (const auto& part : {data.train, data.test}) {
        for (const at::Tensor& values : {part->inputs, part->targets})
          fuzz::expect(values.isfinite().all().item<bool>(), "a number");
      }
    });
  };
  const bool one = load((folder / "train.csv").string(), true);
  return load(folder.path().string(), false) || one;
}
