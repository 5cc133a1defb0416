#include <array>

#include "tests/fuzz/fuzzer.h"
#include "valley/data/idx.h"

using namespace valley;

// The labels and images of a training and a test split.
VALLEY_FUZZER(idx) {
  static const TestFolder folder;
  static constexpr std::array kFiles = {"train-labels-idx1-ubyte", "train-images-idx3-ubyte",
                                        "t10k-labels-idx1-ubyte", "t10k-images-idx3-ubyte"};
  const auto files = fuzz::parts(bytes, kFiles.size());
  for (size_t i = 0; i < kFiles.size(); ++i) spill(folder / kFiles[i], files[i]);
  return fuzz::taken([&] {
    const DataSplits data = load_mnist_format(folder.path().string(), "mnist:PATH", "");
    fuzz::expect(data.train->targets.max().item<int64_t>() < data.train->classes, "a label");
  });
}
