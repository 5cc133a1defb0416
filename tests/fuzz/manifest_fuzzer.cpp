#include <filesystem>

#include "tests/fuzz/fuzzer.h"
#include "valley/train/checkpoint.h"

using namespace valley;

// A checkpoint's manifest, and the file of its worker.
VALLEY_FUZZER(manifest) {
  static const TestFolder folder;
  static const Checkpoints checkpoints(folder.path());
  static const std::filesystem::path step = checkpoints.path_of(4);
  std::filesystem::create_directories(step);
  const auto files = fuzz::parts(bytes, 2);
  spill(step / "manifest.json", files[0]);
  spill(step / "worker-0.safetensors", files[1]);
  checkpoints.latest_readable();
  return fuzz::taken([] { checkpoints.load(checkpoints.latest().value(), 0); });
}
