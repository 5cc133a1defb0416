#include "valley/comm/gloo_all_reduce.h"

#include <algorithm>
#include <memory>

#include "valley/comm/group_mesh.h"
#include "valley/comm/mpi_mesh.h"
#include "valley/comm/tcp_mesh.h"

namespace valley {
namespace {

// Few and large messages, though larger than the L2 cache: each may wake its receiver.
constexpr int64_t kMessageBytes = 1 << 20;
constexpr int64_t kBlockBytes = 1 << 20;
constexpr int kAhead = 1;       // chunks whose first step is sent early
constexpr int64_t kPlaces = 4;  // messages in the scratch of two workers

template <typename Scalar>
constexpr int64_t bytes(int64_t count) {
  return count * static_cast<int64_t>(sizeof(Scalar));
}

// Calls back for [begin, end) in parts that stay in the cache.
void call_back(const ChunkCallback& on_chunk, int64_t begin, int64_t end, int64_t element_bytes) {
  if (!on_chunk) return;
  for_each_chunk(end - begin, element_bytes,
                 [&](int64_t from, int64_t to) { on_chunk(begin + from, begin + to); });
}

template <typename Mesh, typename Scalar>
class Ring {
 public:
  Ring(Mesh& mesh, const AllReduceOptions& options, const Scalar* in, Scalar* out, int64_t n)
      : rank_(mesh.rank()),
        size_(mesh.size()),
        left_((rank_ + size_ - 1) % size_),
        right_((rank_ + 1) % size_),
        steps_(2 * (size_ - 1)),
        slot_(options.first_slot),
        in_(in),
        out_(out),
        n_(n),
        block_(kBlockBytes / static_cast<int64_t>(sizeof(Scalar))),
        chunk_(block_ * size_),
        chunks_((n + chunk_ - 1) / chunk_),
        places_(size_ + kAhead),
        send_in_(mesh, in),
        send_out_(mesh, out) {
    if (in_ == out_) {
      options.scratch->resize(static_cast<size_t>(bytes<Scalar>(places_ * 2 * block_)));
      scratch_ = reinterpret_cast<Scalar*>(options.scratch->data());
    }
    for (int step = 0; step < steps_; ++step) {
      const bool aside = sums(step) && scratch_;
      receives_.push_back(std::make_unique<Buffer>(mesh, aside ? scratch_ : out));
    }
  }

  void run(const ChunkCallback& on_chunk) {
    for (int64_t time = -kAhead; time < chunks_ + steps_ - 1; ++time) {
      if (time + kAhead < chunks_) begin(time + kAhead);
      const int64_t last = std::min(time, chunks_ - 1);
      for (int64_t chunk = std::max<int64_t>(0, time - steps_ + 1); chunk <= last; ++chunk) {
        advance(chunk, static_cast<int>(time - chunk));
      }
      const int64_t done = time - steps_ + 1;
      if (done >= 0) {
        call_back(on_chunk, done * chunk_, std::min(n_, (done + 1) * chunk_), sizeof(Scalar));
      }
    }
    for (; sent_in_ > 0; --sent_in_) send_in_.wait_sent(right_);
    for (; sent_out_ > 0; --sent_out_) send_out_.wait_sent(right_);
  }

 private:
  using Buffer = typename Mesh::Buffer;
  struct Range {
    int64_t begin, count;
  };

  bool sums(int step) const { return step < size_ - 1; }

  // The block of `chunk` that arrives in `step`; the next step sends it on. In step 0 every
  // worker sends the block of its own rank.
  Range arriving(int64_t chunk, int step) const { return range(chunk, rank_ - 1 - step); }

  Range range(int64_t chunk, int index) const {
    const int block = ((index % size_) + size_) % size_;
    const int64_t first = chunk * chunk_;
    const int64_t count = std::min(n_ - first, chunk_);
    const int64_t begin = first + block * count / size_;
    return {begin, first + (block + 1) * count / size_ - begin};
  }

  int64_t place(int64_t chunk, int step) const {
    return ((chunk % places_) * 2 + step % 2) * block_;
  }

  void begin(int64_t chunk) {
    receive(chunk, 0);
    for (int step = size_ - 1; step < steps_; ++step) receive(chunk, step);
    const auto [first, count] = range(chunk, rank_);
    if (count == 0) return;
    send_in_.send(right_, slot_, bytes<Scalar>(first), bytes<Scalar>(count));
    ++sent_in_;
  }

  void receive(int64_t chunk, int step) {
    const auto [first, count] = arriving(chunk, step);
    if (count == 0) return;
    const int64_t offset = sums(step) && scratch_ ? place(chunk, step) : first;
    receives_[static_cast<size_t>(step)]->receive(left_, slot_ + static_cast<uint64_t>(step),
                                                  bytes<Scalar>(offset), bytes<Scalar>(count));
  }

  void advance(int64_t chunk, int step) {
    if (sums(step + 1)) receive(chunk, step + 1);
    const auto [first, count] = arriving(chunk, step);
    if (count == 0) return;
    receives_[static_cast<size_t>(step)]->wait_received(left_);
    if (sums(step)) {
      const Scalar* partial = scratch_ ? scratch_ + place(chunk, step) : out_ + first;
      const Scalar* in = in_ + first;
      Scalar* out = out_ + first;
      for (int64_t i = 0; i < count; ++i) out[i] = partial[i] + in[i];
    }
    if (step + 1 == steps_) return;
    send_out_.send(right_, slot_ + static_cast<uint64_t>(step) + 1, bytes<Scalar>(first),
                   bytes<Scalar>(count));
    ++sent_out_;
  }

  const int rank_, size_, left_, right_, steps_;
  const uint64_t slot_;
  const Scalar* const in_;
  Scalar* const out_;
  const int64_t n_, block_, chunk_, chunks_;
  const int64_t places_;       // chunks that have scratch at the same time
  Scalar* scratch_ = nullptr;  // for partial sums; out of place they may arrive in `out`
  Buffer send_in_, send_out_;
  std::vector<std::unique_ptr<Buffer>> receives_;  // by step
  int64_t sent_in_ = 0, sent_out_ = 0;
};

template <typename Mesh, typename Scalar>
void pair_all_reduce(Mesh& mesh, const AllReduceOptions& options, const Scalar* in, Scalar* out,
                     int64_t n, const ChunkCallback& on_chunk) {
  const int peer = 1 - mesh.rank();
  const int64_t message = kMessageBytes / static_cast<int64_t>(sizeof(Scalar));
  const int64_t messages = (n + message - 1) / message;
  const auto count = [&](int64_t m) { return std::min(message, n - m * message); };

  // In place, a message may be added to `out` only when it has also been sent from there.
  const bool in_place = in == out;
  const int64_t places = in_place ? kPlaces : messages;
  if (in_place) options.scratch->resize(static_cast<size_t>(bytes<Scalar>(places * message)));
  Scalar* const arrived = in_place ? reinterpret_cast<Scalar*>(options.scratch->data()) : out;
  typename Mesh::Buffer from(mesh, arrived);
  typename Mesh::Buffer to(mesh, in);

  const auto receive = [&](int64_t m) {
    from.receive(peer, options.first_slot, bytes<Scalar>(m % places * message),
                 bytes<Scalar>(count(m)));
  };
  for (int64_t m = 0; m < std::min(places, messages); ++m) receive(m);
  for (int64_t m = 0; m < messages; ++m) {
    to.send(peer, options.first_slot, bytes<Scalar>(m * message), bytes<Scalar>(count(m)));
  }
  for (int64_t m = 0; m < messages; ++m) {
    from.wait_received(peer);
    if (in_place) to.wait_sent(peer);
    const Scalar* theirs = arrived + m % places * message;
    for_each_chunk(count(m), sizeof(Scalar), [&](int64_t from, int64_t to) {
      const int64_t begin = m * message + from;
      for (int64_t i = 0; i < to - from; ++i) out[begin + i] = in[begin + i] + theirs[from + i];
      if (on_chunk) on_chunk(begin, begin + to - from);
    });
    if (m + places < messages) receive(m + places);
  }
  for (int64_t m = in_place ? messages : 0; m < messages; ++m) to.wait_sent(peer);
}

}  // namespace

template <typename Mesh, typename Scalar>
void gloo_all_reduce(Mesh& mesh, const AllReduceOptions& options, const Scalar* in, Scalar* out,
                     int64_t n, const ChunkCallback& on_chunk) {
  if (n == 0) return;
  if (mesh.size() == 2) return pair_all_reduce(mesh, options, in, out, n, on_chunk);
  Ring<Mesh, Scalar>(mesh, options, in, out, n).run(on_chunk);
}

template void gloo_all_reduce(TcpMesh&, const AllReduceOptions&, const float*, float*, int64_t,
                              const ChunkCallback&);
template void gloo_all_reduce(TcpMesh&, const AllReduceOptions&, const double*, double*, int64_t,
                              const ChunkCallback&);
template void gloo_all_reduce(GroupMesh&, const AllReduceOptions&, const float*, float*, int64_t,
                              const ChunkCallback&);
template void gloo_all_reduce(GroupMesh&, const AllReduceOptions&, const double*, double*, int64_t,
                              const ChunkCallback&);
template void gloo_all_reduce(MpiMesh&, const AllReduceOptions&, const float*, float*, int64_t,
                              const ChunkCallback&);
template void gloo_all_reduce(MpiMesh&, const AllReduceOptions&, const double*, double*, int64_t,
                              const ChunkCallback&);

}  // namespace valley
