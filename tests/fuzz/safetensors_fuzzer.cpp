#include "tests/fuzz/fuzzer.h"
#include "valley/models/safetensors.h"

using namespace valley;

VALLEY_FUZZER(safetensors) {
  static const TestFolder folder;
  spill(folder / "a.safetensors", std::string(bytes));
  return fuzz::taken([] { load_safetensors((folder / "a.safetensors").string()); });
}
