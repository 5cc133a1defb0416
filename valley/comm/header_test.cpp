#include "valley/comm/header.h"

#include <gtest/gtest.h>

#include "valley/comm/failure.h"

namespace valley::header_test {
namespace {

// What comes of a header of rank 1, as rank 5 of the whole, of an all_gather_text.
std::string heard(const Header& header) {
  Headers headers(0, {4, 5});
  headers.from(1) = header;
  Call call{.operation = Operation::kAllGather, .text = true, .sequence = 1};
  headers.tell(call, text_to(-1, "mine", 0, 2), {});
  return headers.compare(call).value_or("");
}

Header text_of(int64_t bytes) {
  return {.sequence = 1,
          .operation = static_cast<int32_t>(Operation::kAllGather),
          .root = -1,
          .text = 1,
          .sends_numel = bytes};
}

TEST(Headers, AreComparedWithThatOfThisWorker) {
  EXPECT_EQ(heard(text_of(7)), "");
  Header barrier = text_of(-1);
  barrier.operation = static_cast<int32_t>(Operation::kBarrier);
  barrier.text = 0;
  EXPECT_EQ(heard(barrier), "rank 5 called barrier as operation 1, rank 4 called all_gather_text");
}

TEST(Headers, OfAnotherVersionAreNamed) {
  for (const int32_t operation : {-1, kOperations, 1 << 30}) {
    Header header = text_of(7);
    header.operation = operation;
    EXPECT_EQ(
        heard(header),
        "rank 5 called an operation that is not known here: it runs another version of valley");
  }
  EXPECT_EQ(heard(text_of(-1)), "rank 5 sends a text of -1 bytes, expected at most 1073741824");
  EXPECT_EQ(heard(text_of(int64_t{1} << 40)),
            "rank 5 sends a text of 1099511627776 bytes, expected at most 1073741824");
}

TEST(Failure, IsReadAsItWasWritten) {
  const Failure read = Failure::decode(Failure{Failure::kLeft, 3, "it left\nearly"}.encode());
  EXPECT_EQ(read.kind, Failure::kLeft);
  EXPECT_EQ(read.culprit, 3);
  EXPECT_EQ(read.text, "it left\nearly");
}

TEST(Failure, OfAnotherVersionIsOne) {
  for (const char* code : {"", "x", "7 3 it left", "-1 3 it left"}) {
    const Failure read = Failure::decode(code);
    EXPECT_EQ(read.kind, Failure::kMismatch) << code;
    EXPECT_EQ(read.text, "a worker of another version of valley failed");
  }
}

}  // namespace
}  // namespace valley::header_test
