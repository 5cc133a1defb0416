#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace valley {

enum class Operation { kAllReduce, kAllGather, kBroadcast, kExchange, kBarrier, kShare, kSplit };
inline constexpr int kOperations = 7;
std::string_view name(Operation operation);

/// One call of an operation by one worker: what the workers compare with each other.
struct Call {
  Operation operation = Operation::kBarrier;
  bool text = false;  ///< all_gather_text and gather_text, a kAllGather whose sizes may differ
  at::ScalarType dtype = at::ScalarType::Byte;
  int64_t numel = 0;
  int root = -1;         ///< of a broadcast; of a gather_text: who gets the texts
  int64_t sequence = 0;  ///< the worker's operations count from 1
  bool stop = false;     ///< not compared: the worker's wish; after the operation, anyone's
  double met = 0;        ///< not compared: now_seconds() when all workers had come; 0: not known
};

/// "all_reduce of 5 float values", "broadcast of 3 long values from rank 1", "barrier".
std::string describe(const Call& call);

/// "all_reduce 17": the operation and its number, for messages about waiting.
std::string label(const Call& call);

/// Compares the calls of all workers, by rank, each of whom has a name. The largest group of equal
/// calls is right (of equal groups, the one with the lowest rank); the others are named: "rank 2
/// called all_reduce of 5 float values as operation 7, rank 0 called barrier". Nothing if all are
/// equal.
std::optional<std::string> mismatch(const std::vector<Call>& calls, const std::vector<int>& names);

/// "5 float values".
std::string describe_values(int64_t numel, at::ScalarType dtype);

}  // namespace valley
