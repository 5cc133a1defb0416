#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"

/// What the fuzz targets share. A target is a reader of foreign bytes, in a file NAME_fuzzer.cpp:
///
///     VALLEY_FUZZER(idx) {
///       static const TestFolder folder;
///       spill(folder / "x", std::string(bytes));
///       return taken([] { read_idx((folder / "x").string(), 1); });
///     }
///
/// Any bytes may come. They are taken, or an error of Valley's own says what is wrong with them:
/// another exception, a signal, a sanitizer's word or memory out of proportion is a finding.
///
/// clang++ makes a program of libFuzzer's of each (scripts/fuzz.sh); fuzz_test (replay.cpp) is made
/// of all, by any compiler, and runs them over the corpora and mutations of these.
namespace valley::fuzz {

using Target = bool (*)(std::string_view bytes);

/// Those linked, by name; of fuzz_test alone.
inline std::map<std::string, Target>& targets() {
  static std::map<std::string, Target> all;
  return all;
}

struct Registered {
  Registered(const char* name, Target target) { targets()[name] = target; }
};

/// Whether f() throws no error of Valley's own; others pass through.
template <typename Function>
bool taken(const Function& f) {
  try {
    f();
    return true;
  } catch (const Error&) {
    return false;
  }
}

/// What was taken holds what it should, or it is a finding.
inline void expect(bool condition, const char* what) {
  if (!condition) throw std::logic_error(what);
}

/// Several texts in one: what stands between lines "====". As many as asked for, the last ones
/// empty if there are fewer; the last one has all that is left.
inline std::vector<std::string> parts(std::string_view bytes, size_t count) {
  constexpr std::string_view kBetween = "\n====\n";
  std::vector<std::string> result;
  while (result.size() + 1 < count && bytes.find(kBetween) != bytes.npos) {
    result.emplace_back(bytes.substr(0, bytes.find(kBetween)));
    bytes.remove_prefix(result.back().size() + kBetween.size());
  }
  result.emplace_back(bytes);
  result.resize(count);
  return result;
}

/// "KEY=VALUE" between such lines.
inline std::map<std::string, std::string> pairs(std::string_view bytes, size_t most) {
  std::map<std::string, std::string> result;
  for (const std::string& part : parts(bytes, most))
    if (const size_t equals = part.find('='); equals != part.npos)
      result[part.substr(0, equals)] = part.substr(equals + 1);
  return result;
}

}  // namespace valley::fuzz

#ifdef VALLEY_LIBFUZZER
#define VALLEY_FUZZER(name)                                                 \
  static bool name##_target(std::string_view bytes);                        \
  extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) { \
    name##_target({reinterpret_cast<const char*>(data), size});             \
    return 0;                                                               \
  }                                                                         \
  static bool name##_target(std::string_view bytes)
#else
#define VALLEY_FUZZER(name)                                                       \
  static bool name##_target(std::string_view bytes);                              \
  static const valley::fuzz::Registered name##_registered(#name, &name##_target); \
  static bool name##_target(std::string_view bytes)
#endif
