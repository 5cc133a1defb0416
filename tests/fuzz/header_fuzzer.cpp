#include <algorithm>
#include <cstring>

#include "tests/fuzz/fuzzer.h"
#include "valley/comm/failure.h"
#include "valley/comm/header.h"

using namespace valley;

// The headers of two peers, and what one of them left when it failed.
VALLEY_FUZZER(header) {
  Headers headers(0, {0, 1, 2});
  for (const int peer : {1, 2}) {
    const size_t size = std::min(bytes.size(), sizeof(Header));
    if (size > 0) std::memcpy(&headers.from(peer), bytes.data(), size);
    bytes.remove_prefix(size);
  }
  Call call{.operation = Operation::kAllGather, .text = true, .sequence = 1};
  const std::string mine = "mine";
  headers.tell(call, text_to(-1, mine, 0, 3), {});
  headers.missing(call);
  const bool same = !headers.compare(call);
  headers.unmatched_message(call);
  fuzz::expect(!same || headers.text_bytes(1) <= size_t{1} << 30, "the text");
  const Failure failure = Failure::decode(std::string(bytes));
  fuzz::expect(Failure::decode(failure.encode()).encode() == failure.encode(), "the failure");
  fuzz::taken([&] { failure.raise(0, call, 0.5); });
  return same;
}
