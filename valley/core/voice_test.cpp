#include "valley/core/voice.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <ostream>
#include <string>

#include "valley/core/clock.h"

namespace valley::voice_test {
namespace {

// A pipe of the smallest size, both ends open.
struct Pipe {
  int read_end = -1, write_end = -1;

  Pipe() {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    read_end = ends[0];
    write_end = ends[1];
    fcntl(write_end, F_SETPIPE_SZ, 4096);
  }
  ~Pipe() {
    close_reader();
    close(write_end);
  }
  void close_reader() {
    if (read_end >= 0) close(read_end);
    read_end = -1;
  }
  std::string take(size_t size) const {
    std::string text(size, '\0');
    size_t got = 0;
    while (got < size) {
      const ssize_t n = read(read_end, text.data() + got, size - got);
      if (n <= 0) break;
      got += static_cast<size_t>(n);
    }
    text.resize(got);
    return text;
  }
};

TEST(Voice, SaysEverythingInOrder) {
  const Pipe pipe;
  {
    Voice voice(pipe.write_end);
    std::ostream out(&voice);
    out << "one " << 2 << '\n' << std::flush << "three" << std::flush;
    EXPECT_TRUE(voice.drain());
    EXPECT_EQ(pipe.take(11), "one 2\nthree");
    out << "without a flush";
  }
  EXPECT_EQ(pipe.take(15), "without a flush");
}

TEST(Voice, WhoStoppedReadingDelaysNobody) {
  const Pipe pipe;
  Voice voice(pipe.write_end, /*room=*/10000);
  std::ostream out(&voice);
  for (int i = 0; i < 1000; ++i) out << std::string(99, 'a') << '\n' << std::flush;
  EXPECT_TRUE(out.good());
  EXPECT_FALSE(voice.drain(0.05));
  const double start = now_seconds();
  EXPECT_FALSE(voice.drain(1000)) << "it has given up";
  EXPECT_LT(now_seconds() - start, 500);

  // The newest of what was said is still there when somebody reads again.
  out << "the last\n" << std::flush;
  std::string text = pipe.take(4096);
  while (!text.ends_with("the last\n")) {
    text += pipe.take(1);
    ASSERT_LT(text.size(), 100000u);
  }
  EXPECT_LT(text.size(), 4096u + 10000 + 200);
  EXPECT_TRUE(voice.drain(60));
}

// SIGPIPE keeps its default, which would end this program.
TEST(Voice, WhoWentAwayEndsNobody) {
  ASSERT_EQ(std::signal(SIGPIPE, SIG_DFL), SIG_DFL);
  Pipe pipe;
  pipe.close_reader();
  Voice voice(pipe.write_end);
  std::ostream out(&voice);
  for (int i = 0; i < 3; ++i) {
    out << "anybody?\n" << std::flush;
    EXPECT_TRUE(voice.drain());
  }
  EXPECT_TRUE(out.good());
}

TEST(Voice, NoFileAtAll) {
  Voice voice(-1);
  std::ostream out(&voice);
  out << "anybody?\n" << std::flush;
  EXPECT_TRUE(voice.drain());
  EXPECT_TRUE(out.good());
}

// Whoever shares the file may have made it non-blocking.
TEST(Voice, WaitsForAFileThatIsNonBlocking) {
  const Pipe pipe;
  fcntl(pipe.write_end, F_SETFL, fcntl(pipe.write_end, F_GETFL) | O_NONBLOCK);
  Voice voice(pipe.write_end);
  std::ostream out(&voice);
  const std::string text(9000, 'b');
  out << text << std::flush;
  EXPECT_EQ(pipe.take(text.size()), text);
  EXPECT_TRUE(voice.drain(60));
}

TEST(Voice, ADrainIsAFlushAway) {
  const Pipe pipe;
  Voice voice(pipe.write_end);
  std::ostream said(&voice);
  VoiceDrain drain(voice);
  std::ostream drained(&drain);
  said << "first" << std::flush;
  drained.flush();
  EXPECT_EQ(write(pipe.write_end, " second", 7), 7);
  EXPECT_EQ(pipe.take(12), "first second");
}

}  // namespace
}  // namespace valley::voice_test
