#include <array>

#include "tests/fuzz/fuzzer.h"
#include "valley/data/arrays.h"

using namespace valley;

// x and y of a training and a test split.
VALLEY_FUZZER(npy) {
  static const TestFolder folder;
  static constexpr std::array kFiles = {"x_train.npy", "y_train.npy", "x_test.npy", "y_test.npy"};
  const auto files = fuzz::parts(bytes, kFiles.size());
  for (size_t i = 0; i < kFiles.size(); ++i) spill(folder / kFiles[i], files[i]);
  return fuzz::taken([] {
    const DataSplits data = load_arrays(folder.path().string(), {});
    for (const auto& part : {data.train, data.test}) {
      for (const at::Tensor& values : {part->inputs, part->targets})
        fuzz::expect(values.to(at::kFloat).isfinite().all().item<bool>(), "a number");
    }
  });
}
