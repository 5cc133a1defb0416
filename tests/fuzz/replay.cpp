// The targets over their corpora, and over mutations of these: seconds of what scripts/fuzz.sh does
// for hours. A file of a corpus whose name begins with "good" is taken, every other one is not.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>

#include "tests/fuzz/fuzzer.h"

namespace valley::replay_test {
namespace {

namespace fs = std::filesystem;

constexpr int kMutations = 1000;
constexpr rlim_t kMemory = rlim_t{256} << 20;  // more than anything small may ask for

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;  // which takes memory as it likes
#else
constexpr bool kSanitized = false;
#endif

// While it lives this process gets so many bytes more than it has, and no more.
class MemoryLimit {
 public:
  explicit MemoryLimit(rlim_t bytes) {
    getrlimit(RLIMIT_DATA, &before_);
    rlim_t pages = 0;
    std::ifstream statm("/proc/self/statm");
    for (int column = 0; column < 6; ++column) statm >> pages;  // the sixth: data and stack
    const rlimit limit{pages * 4096 + bytes, before_.rlim_max};
    if (!kSanitized) setrlimit(RLIMIT_DATA, &limit);
  }
  ~MemoryLimit() { setrlimit(RLIMIT_DATA, &before_); }
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;

 private:
  rlimit before_{};
};

// What a target must not do with these bytes; "" if it does not.
std::string finding(fuzz::Target target, const std::string& bytes, bool* taken = nullptr) {
  try {
    const bool result = target(bytes);
    if (taken != nullptr) *taken = result;
    return "";
  } catch (const std::exception& error) {
    return error.what();
  }
}

struct Sample {
  std::string name, bytes;
};

std::vector<Sample> corpus(const std::string& target) {
  std::vector<Sample> samples;
  for (const auto& entry : fs::directory_iterator(fs::path("tests/fuzz/corpus") / target))
    samples.push_back({entry.path().filename().string(), slurp(entry.path())});
  std::sort(samples.begin(), samples.end(),
            [](const Sample& a, const Sample& b) { return a.name < b.name; });
  return samples;
}

class Mutator {
 public:
  explicit Mutator(const std::vector<Sample>& corpus) : corpus_(corpus) {}

  std::string next() {
    std::string bytes = any().bytes;
    for (size_t times = 1 + below(4); times > 0; --times) change(bytes);
    return bytes;
  }

 private:
  const Sample& any() { return corpus_[below(corpus_.size())]; }
  size_t below(size_t n) { return n == 0 ? 0 : random_() % n; }

  void change(std::string& bytes) {
    const size_t at = below(bytes.size() + 1),
                 length = below(std::min<size_t>(bytes.size() - at, 16) + 1);
    switch (below(7)) {
      case 0:  // a bit
        if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
        break;
      case 1:  // bytes out of nowhere
        for (size_t k = below(8); k > 0; --k) bytes.insert(at, 1, static_cast<char>(below(256)));
        break;
      case 2:
        bytes.erase(at, length);
        break;
      case 3:  // the same again
        bytes.insert(below(bytes.size() + 1), bytes.substr(at, length));
        break;
      case 4:
        bytes.resize(at);
        break;
      case 5: {  // a number at an edge
        const std::string number(4 << below(2), below(2) == 0 ? '\xff' : '\x7f');
        bytes.replace(at, std::min(number.size(), bytes.size() - at), number);
        break;
      }
      default: {  // another's end
        const std::string& other = any().bytes;
        bytes = bytes.substr(0, at) + other.substr(below(other.size() + 1));
      }
    }
  }

  const std::vector<Sample>& corpus_;
  std::mt19937_64 random_{1};
};

class Fuzz : public testing::TestWithParam<std::string> {
 protected:
  fuzz::Target target() const { return fuzz::targets().at(GetParam()); }
};

TEST_P(Fuzz, WhatTheCorpusHoldsIsTakenOrRefused) {
  const MemoryLimit limit(kMemory);
  int good = 0;
  for (const auto& [name, bytes] : corpus(GetParam())) {
    bool taken = false;
    EXPECT_EQ(finding(target(), bytes, &taken), "") << GetParam() << "/" << name;
    EXPECT_EQ(taken, name.starts_with("good")) << GetParam() << "/" << name;
    good += taken;
  }
  EXPECT_GT(good, 0);
}

TEST_P(Fuzz, MutationsAreTakenOrRefused) {
  const std::vector<Sample> samples = corpus(GetParam());
  Mutator mutator(samples);
  const MemoryLimit limit(kMemory);
  for (int k = 0; k < kMutations; ++k) {
    const std::string bytes = mutator.next(), what = finding(target(), bytes);
    if (what.empty()) continue;
    const fs::path file = fs::temp_directory_path() / fmt::format("{}-{}", GetParam(), k);
    spill(file, bytes);
    FAIL() << "mutation " << k << ", " << file << ": " << what;
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, Fuzz, testing::ValuesIn([] {
                           std::vector<std::string> names;
                           for (const auto& [name, target] : fuzz::targets()) names.push_back(name);
                           return names;
                         }()),
                         [](const auto& info) { return info.param; });

TEST(Finding, IsWhatIsNoErrorOfValleys) {
  EXPECT_EQ(finding([](std::string_view) -> bool { throw std::out_of_range("at"); }, ""), "at");
  EXPECT_EQ(
      finding([](std::string_view) { return fuzz::taken([] { throw UsageError("no"); }); }, ""),
      "");
  if (kSanitized) return;
  const MemoryLimit limit(kMemory);
  EXPECT_NE(finding([](std::string_view) { return !std::string(2 * kMemory, ' ').empty(); }, ""),
            "");
}

TEST(Parts, StandBetweenLines) {
  EXPECT_EQ(fuzz::parts("a\n====\nb\n====\nc", 2), (std::vector<std::string>{"a", "b\n====\nc"}));
  EXPECT_EQ(fuzz::parts("a", 2), (std::vector<std::string>{"a", ""}));
}

}  // namespace
}  // namespace valley::replay_test
