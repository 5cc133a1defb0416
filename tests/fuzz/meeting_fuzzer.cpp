#include "tests/fuzz/fuzzer.h"
#include "tests/fuzz/heard_store.h"
#include "valley/comm/agreement.h"
#include "valley/comm/meeting.h"

using namespace valley;

namespace {

bool meet_as(int rank, std::string_view bytes) {
  fuzz::HeardStore store(fuzz::pairs(bytes, 8));
  const Newcomer me{.rank = rank,
                    .size = 2,
                    .address = "127.0.0.1",
                    .job = "",
                    .card = {},
                    .where = "127.0.0.1:29500"};
  return fuzz::taken([&] {
    for (const std::string& address : meet(store, me, /*timeout_seconds=*/0))
      reachable_by_all("10.0.0.1", {address});
  });
}

}  // namespace

// What the others have left in the store, for each of two workers that meet there; and a card.
VALLEY_FUZZER(meeting) {
  const bool card = fuzz::taken([&] {
    const Card read = Card::decode(std::string(bytes));
    fuzz::expect(Card::decode(read.encode()) == read, "the card");
    first_difference({Card(), read});
  });
  const Place place = Place::decode(std::string(bytes));
  fuzz::expect(Place::decode(place.encode()) == place, "the place");
  const bool first = meet_as(0, bytes), second = meet_as(1, bytes);
  return first || second || (card && !bytes.empty());
}
