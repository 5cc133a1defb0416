#include "tests/fuzz/fuzzer.h"
#include "valley/data/text.h"

using namespace valley;

VALLEY_FUZZER(text) {
  static const TestFolder folder;
  spill(folder / "a.txt", std::string(bytes));
  return fuzz::taken([] { load_text((folder / "a.txt").string(), {.context = 4}); });
}
