#include <algorithm>
#include <cstring>

#include "valley/comm/chunks.h"
#include "valley/comm/group.h"
#include "valley/core/error.h"

namespace valley {
namespace {

class SoloCommunicator : public Communicator {
 public:
  SoloCommunicator() : Communicator(0, 1) {}
  ~SoloCommunicator() override { finish_started(); }

  std::string_view backend() const override { return "solo"; }
  void abort(const std::string&) noexcept override {}  // nobody waits
  bool shares_memory() const override { return true; }

 protected:
  void do_all_reduce_sum(Call& call, const void* in, void* out,
                         const ChunkCallback& on_chunk) override {
    const auto element = static_cast<int64_t>(c10::elementSize(call.dtype));
    for_each_chunk(call.numel, element, [&](int64_t begin, int64_t end) {
      if (in != out) {
        std::memcpy(static_cast<char*>(out) + begin * element,
                    static_cast<const char*>(in) + begin * element,
                    static_cast<size_t>((end - begin) * element));
      }
      if (on_chunk) on_chunk(begin, end);
    });
  }

  void do_all_gather(Call& call, const void* in, void* out) override {
    copy_bytes(out, in, call.numel * static_cast<int64_t>(c10::elementSize(call.dtype)));
  }

  void do_broadcast(Call&, void*) override {}
  // No other rank, so the public function has let only empty lists through.
  void do_exchange(Call&, const std::vector<Message>&, const std::vector<Message>&) override {}
  void do_barrier(Call&) override {}

  std::vector<std::string> do_all_gather_text(Call&, const std::string& text) override {
    return {text};
  }
};

}  // namespace

std::unique_ptr<Communicator> make_solo() { return std::make_unique<SoloCommunicator>(); }

}  // namespace valley
