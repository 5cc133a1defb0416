#include <ATen/core/TensorBody.h>

#include "valley/comm/fused.h"
#include "valley/comm/group.h"
#include "valley/comm/host_communicator.h"

namespace valley {
namespace {

class SoloCommunicator : public HostCommunicator {
 public:
  explicit SoloCommunicator(int global_rank)
      : HostCommunicator(0, {global_rank}, /*shares_memory=*/true) {}
  ~SoloCommunicator() override { finish_started(); }

  std::string_view backend() const override { return "solo"; }

 protected:
  void sum_in_chunks(Call& call, const at::Tensor& in, at::Tensor& out,
                     const ChunkCallback& on_chunk) override {
    if (!fused(in)) {
      copy_flat(out, in);
      if (on_chunk) on_chunk(0, call.numel);
      return;
    }
    const int64_t element = in.element_size();
    const char* from = static_cast<const char*>(in.data_ptr());
    char* to = static_cast<char*>(out.data_ptr());
    for_each_chunk(call.numel, element, [&](int64_t begin, int64_t end) {
      copy_bytes(to + begin * element, from + begin * element,
                 static_cast<size_t>((end - begin) * element));
      if (on_chunk) on_chunk(begin, end);
    });
  }

  void do_all_gather(Call&, const at::Tensor& in, at::Tensor& out) override { copy_flat(out, in); }

  void do_broadcast(Call&, at::Tensor&) override {}
  // No other rank, so the public function has let only empty lists through.
  void do_exchange(Call&, const std::vector<Message>&, const std::vector<Message>&) override {}
  void do_barrier(Call&) override {}

  std::vector<std::string> do_all_gather_text(Call&, const std::string& text) override {
    return {text};
  }

  std::unique_ptr<Communicator> do_split(Call&, const std::vector<int>&) override {
    return make_solo(global_rank(0));
  }

  void do_lose(int, const std::string&) noexcept override {}  // nobody waits
};

}  // namespace

std::unique_ptr<Communicator> make_solo(int global_rank) {
  return std::make_unique<SoloCommunicator>(global_rank);
}

}  // namespace valley
