#pragma once

#include <string_view>
#include <vector>

#include "valley/comm/communicator.h"

/// What a call must satisfy before anything is sent; each throws UsageError.
namespace valley {

/// x is there, contiguous, and where the backend can take it.
void require_takes(const Communicator& comm, Operation operation, const at::Tensor& x);

/// all_reduce: the backend can add up `in` into `out`, which is the same memory or apart.
void require_addends(const Communicator& comm, const at::Tensor& in, const at::Tensor& out);

/// Messages of an exchange, at most one a peer; `what` is "sends to" or "receives from".
void require_messages(const Communicator& comm, const std::vector<Message>& messages,
                      std::string_view what);

}  // namespace valley
