#include "tests/fuzz/fuzzer.h"
#include "valley/models/zip_check.h"

using namespace valley;

// The archive that a TorchScript file is, before LibTorch reads it.
VALLEY_FUZZER(zip) {
  static const TestFolder folder;
  spill(folder / "a.pt", std::string(bytes));
  return fuzz::taken([] { check_zip((folder / "a.pt").string()); });
}
