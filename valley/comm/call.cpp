#include "valley/comm/call.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "valley/comm/capabilities.h"

namespace valley {
namespace {

auto compared(const Call& call) {
  return std::tuple(call.operation, call.text, call.dtype, call.numel, call.root, call.sequence);
}

std::string_view full_name(const Call& call) {
  if (call.text) return call.root < 0 ? "all_gather_text" : "gather_text";
  return name(call.operation);
}

}  // namespace

std::string_view name(Operation operation) {
  constexpr std::string_view kNames[kOperations] = {
      "all_reduce", "all_gather", "broadcast", "exchange", "barrier", "share", "split"};
  return kNames[static_cast<size_t>(operation)];
}

std::string describe_values(int64_t numel, at::ScalarType dtype) {
  return fmt::format("{} {} value{}", numel, describe_dtype(dtype), numel == 1 ? "" : "s");
}

std::string describe(const Call& call) {
  const std::string operation(full_name(call));
  if (call.text) return operation;
  switch (call.operation) {
    case Operation::kAllReduce:
    case Operation::kAllGather:
      return fmt::format("{} of {}", operation, describe_values(call.numel, call.dtype));
    case Operation::kBroadcast:
      return fmt::format("{} of {} from rank {}", operation,
                         describe_values(call.numel, call.dtype), call.root);
    case Operation::kExchange:
    case Operation::kBarrier:
    case Operation::kShare:
    case Operation::kSplit:
      break;
  }
  return operation;
}

std::string label(const Call& call) { return fmt::format("{} {}", full_name(call), call.sequence); }

std::optional<std::string> mismatch(const std::vector<Call>& calls, const std::vector<int>& names) {
  size_t right = 0;
  int64_t most = 0;
  for (size_t rank = 0; rank < calls.size(); ++rank) {
    const int64_t equal = std::count_if(calls.begin(), calls.end(), [&](const Call& other) {
      return compared(other) == compared(calls[rank]);
    });
    if (equal > most) {
      most = equal;
      right = rank;
    }
  }
  if (most == static_cast<int64_t>(calls.size())) return std::nullopt;

  std::string text;
  bool same_number = true;
  for (size_t rank = 0; rank < calls.size(); ++rank) {
    if (compared(calls[rank]) == compared(calls[right])) continue;
    text += fmt::format("rank {} called {} as operation {}, ", names[rank], describe(calls[rank]),
                        calls[rank].sequence);
    same_number = same_number && calls[rank].sequence == calls[right].sequence;
  }
  text += fmt::format("rank {} called {}", names[right], describe(calls[right]));
  if (!same_number) text += fmt::format(" as operation {}", calls[right].sequence);
  return text;
}

}  // namespace valley
