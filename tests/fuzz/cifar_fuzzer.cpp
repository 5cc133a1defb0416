#include <array>

#include "tests/fuzz/fuzzer.h"
#include "valley/data/cifar.h"

using namespace valley;

// Two of the six files of CIFAR-10; the others are sound.
VALLEY_FUZZER(cifar) {
  static const TestFolder folder;
  static const bool others = [] {
    for (const char* name :
         {"data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"})
      spill(folder / name, std::string(3073, '\1'));
    return true;
  }();
  const auto files = fuzz::parts(bytes, 2);
  spill(folder / "data_batch_1.bin", files[0]);
  spill(folder / "test_batch.bin", files[1]);
  return fuzz::taken([] {
    const DataSplits data = load_cifar10(folder.path().string());
    fuzz::expect(others && data.train->targets.max().item<int64_t>() < 10, "a label");
  });
}
