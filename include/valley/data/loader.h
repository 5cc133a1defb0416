#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "valley/core/random.h"
#include "valley/data/dataset.h"
#include "valley/data/options.h"
#include "valley/data/partition.h"

namespace valley {

/// Where a group of workers begins that takes over from another, of another size perhaps.
struct Deal {
  int64_t from_step = 0;  ///< its first step
  int64_t taken = 0;      ///< batches that have been dealt out before
};

struct SamplerOptions {
  int64_t examples = 0;     ///< N
  int64_t batch_size = 32;  ///< B, per worker
  int rank = 0;
  int workers = 1;  ///< M
  uint64_t seed = 0;
  Tail tail = Tail::kDrop;
  std::optional<Deal> deal = {};  ///< for workers whose number changes
};

/// Steps in which M workers see N examples once. @throws as Sampler.
int64_t steps_per_epoch(SamplerOptions options);

/// Which examples a worker sees, in which order.
///
/// Every epoch has one permutation of all N examples, drawn from (seed, epoch) and the same for
/// every worker. Step t of the epoch takes the next M B of them; worker m takes B: element
/// t M B + m B + i. So together the workers see every example at most once an epoch, in
/// the order one worker with batch M B would.
///
/// The tail, N mod (M B) examples: `drop` leaves it out (another one every epoch), `keep` splits it
/// over the workers in equal parts, wrapping to the start of the permutation where it does not
/// divide. With N < M B, B shrinks to floor(N / M), which must be at least 1.
///
/// With a partition every worker has examples of its own and shuffles these alone, from (seed,
/// worker, epoch). Steps and sizes of batches stay as above, the same for all workers and for every
/// partition, so runs can be compared step by step. A worker with fewer examples than its steps
/// take begins its epoch's order again; one with more leaves the rest out, others every epoch.
///
/// With a deal the batches are one row without an end: floor(N / B) of the permutation of every
/// epoch, one epoch after the other. Step t takes the next M of them, worker m number
///
///     taken + (t - from_step) M + m
///
/// so that a group of another size goes on where the last one stopped: nothing is left out, nothing
/// comes twice. All batches have B examples; it goes with no partition.
class Sampler {
 public:
  /// `partition` has a part for every worker, or is empty: all share all.
  /// @throws UsageError "more workers (8) than training samples (5)", batch size below 1, a worker
  ///     without examples.
  explicit Sampler(const SamplerOptions& options, const Partition& partition = {});

  int64_t steps_per_epoch() const;

  /// The indices of this worker's batch at the 0-based global step; any step may be asked for, in
  /// any order (the permutation of the last epoch asked for is kept). So the position to resume
  /// from is the step alone.
  std::span<const int64_t> batch(int64_t step);

  /// One of the examples this worker may see, each as likely as any other.
  int64_t random_example(Random& random) const;

  /// Another group takes over, with a deal of its own.
  void go_on(const Deal& deal) { options_.deal = deal; }

 private:
  std::span<const int64_t> dealt(int64_t step);
  void shuffle_for(int64_t epoch);
  void shuffle_all(int64_t epoch);
  void shuffle_own(int64_t epoch);

  SamplerOptions options_;
  std::vector<int64_t> own_;  // with a partition
  int64_t epoch_ = -1;
  std::vector<int64_t> permutation_;
};

struct Batch {
  /// [B, C, H, W] float32, normalised by the training mean and deviation; of text [B, T] int64.
  at::Tensor input;
  at::Tensor target;  ///< [B] int64, or as the data set has them
  /// `target` in this machine's memory, where the batch is on a device: for those who look at its
  /// values, and would have to wait for them there.
  at::Tensor target_here = {};
  /// Of a blended batch (Augmentation::blends()): every example is made of two, its own to a share
  /// and another one of the batch to the rest, whose target stands here. Undefined: of none.
  at::Tensor other_target = {};
  double share = 1;

  const at::Tensor& known_target() const { return target_here.defined() ? target_here : target; }

  /// Examples [begin, end) of it, views.
  Batch part(int64_t begin, int64_t end) const;
};

/// Gathers, augments and normalises batches in one pass from the bytes, on the calling thread. The
/// returned tensors are reused by the next call: be done with backward() by then. Those of another
/// device are not: they go there from pinned memory of their own, while nobody waits, so that a
/// batch is gathered while the device still computes with the ones before. Augmentation at a
/// step depends on (seed, worker, step) and the place in the batch only; what each kind of it draws
/// shifts nothing of another. Images are cropped and mirrored, then erased, then blended.
///
///     normalised = (value / 255 - mean) / stddev           float32 data: without the 255
///
/// Tokens of a text are widened to int64 and are else what they were.
class Loader {
 public:
  /// `statistics` gives mean and stddev: the training set, also where `data` is the test set.
  /// The batches are on `device`. @throws UsageError if crop_padding is not in [0, image side),
  ///     text is to be augmented, or what is no picture (one value high or wide) to be cut.
  Loader(std::shared_ptr<const Dataset> data, const Dataset& statistics, Augmentation augmentation,
         uint64_t seed, int worker, at::Device device = at::kCPU);

  Batch gather(std::span<const int64_t> indices, int64_t step);

  /// Without augmentation: examples [begin, end) in stored order.
  Batch range(int64_t begin, int64_t end);

 private:
  Batch fill(std::span<const int64_t> indices, Augmentation augmentation, int64_t step);
  void check_augmentation() const;
  void make_room(int64_t n);
  void normalise_by(const Dataset& statistics);
  template <typename T>
  void fill_tokens(const T* examples, std::span<const int64_t> indices);
  template <typename T>
  void fill_input(const T* examples, std::span<const int64_t> indices, Augmentation augmentation,
                  int64_t step);

  std::shared_ptr<const Dataset> data_;
  std::vector<float> scale_, shift_;  // [C]: normalised = scale * value + shift
  Augmentation augmentation_;
  uint64_t seed_;
  int worker_;
  at::Device device_;
  Batch room_, batch_;  // room for the largest batch so far; the part of it the last batch took
  std::vector<int64_t> range_;
};

}  // namespace valley
