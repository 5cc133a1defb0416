#include "tests/fuzz/fuzzer.h"
#include "tests/fuzz/heard_store.h"
#include "valley/comm/gathering.h"

using namespace valley;

// What the launcher says of a group, to a worker that is new and to one that was in the last.
VALLEY_FUZZER(gathering) {
  std::map<std::string, std::string> texts;
  for (const auto& [key, value] : fuzz::pairs(bytes, 8)) texts["gathering/" + key] = value;
  Gathering worker(std::make_shared<fuzz::HeardStore>(texts), 3);
  return fuzz::taken([&] {
    const GatheredGroup group = worker.next("here");
    fuzz::expect(worker.rank(group) >= 0, "the rank");
    fuzz::expect(GatheredGroup::decode(group.encode()).encode() == group.encode(), "the group");
    worker.called();
    worker.next("again");
  });
}
