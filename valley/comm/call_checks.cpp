#include "valley/comm/call_checks.h"

#include "valley/core/error.h"

namespace valley {

void require_takes(const Communicator& comm, Operation operation, const at::Tensor& x) {
  require(x.defined(), "{}: the tensor is undefined", name(operation));
  const Capabilities& can = comm.capabilities();
  require(can.takes(x.device().type()), "{}: backend {} takes tensors on {}, got one on {}",
          name(operation), comm.backend(), describe_devices(can.devices), x.device().str());
  require(x.is_contiguous(), "{}: the tensor must be contiguous", name(operation));
}

void require_addends(const Communicator& comm, const at::Tensor& in, const at::Tensor& out) {
  constexpr auto kOperation = Operation::kAllReduce;
  require_takes(comm, kOperation, in);
  require_takes(comm, kOperation, out);
  const Capabilities& can = comm.capabilities();
  require(can.adds_up(in.scalar_type()), "all_reduce: backend {} adds up {} values, got {}",
          comm.backend(), describe_dtypes(can.sums), describe_dtype(in.scalar_type()));
  require(in.scalar_type() == out.scalar_type(), "all_reduce: in is {}, out is {}",
          describe_dtype(in.scalar_type()), describe_dtype(out.scalar_type()));
  require(in.device() == out.device(), "all_reduce: in is on {}, out on {}", in.device().str(),
          out.device().str());
  require(in.numel() == out.numel(), "all_reduce: in has {} values, out has {}", in.numel(),
          out.numel());
  const char* a = static_cast<const char*>(in.data_ptr());
  const char* b = static_cast<const char*>(out.data_ptr());
  const auto bytes = static_cast<int64_t>(in.nbytes());
  require(a == b || a + bytes <= b || b + bytes <= a,
          "all_reduce: in and out overlap; they must be the same memory or apart");
}

void require_messages(const Communicator& comm, const std::vector<Message>& messages,
                      std::string_view what) {
  std::vector<bool> seen(static_cast<size_t>(comm.size()));
  for (const Message& message : messages) {
    require_takes(comm, Operation::kExchange, message.tensor);
    require(0 <= message.peer && message.peer < comm.size() && message.peer != comm.rank(),
            "exchange: peer must be another rank in [0, {}), got {}", comm.size(), message.peer);
    require(!seen[static_cast<size_t>(message.peer)], "exchange: two {} rank {} in one call", what,
            message.peer);
    seen[static_cast<size_t>(message.peer)] = true;
  }
}

}  // namespace valley
