#include "tests/fuzz/fuzzer.h"
#include "valley/data/wav.h"

using namespace valley;

VALLEY_FUZZER(wav) {
  static const TestFolder folder;
  spill(folder / "a.wav", std::string(bytes));
  return fuzz::taken([] { read_wav(folder / "a.wav", 8000); });
}
