#include "valley/data/loader.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <stdexcept>

#include "valley/core/error.h"
#include "valley/data/augmentation_key.h"
#include "valley/data/blend.h"
#include "valley/data/erase.h"
#include "valley/data/number_types.h"

namespace valley {
namespace {

/// Which part of an image goes where.
struct Window {
  int64_t down = 0, right = 0;  // the image's row y + down, column x + right stand at (y, x)
  bool mirror = false;
};

// Plain loops over contiguous values: compilers turn them into vector code.
template <typename T>
void convert(const T* from, int64_t n, float scale, float shift, float* to) {
  for (int64_t k = 0; k < n; ++k) to[k] = scale * static_cast<float>(from[k]) + shift;
}

/// One channel of one image, [height, width], through a window; outside the image stands 0, which
/// is `shift` once normalised.
template <typename T>
void convert_window(const T* from, int64_t height, int64_t width, Window window, float scale,
                    float shift, float* to) {
  const int64_t first = std::max<int64_t>(0, -window.right);
  const int64_t last = std::min(width, width - window.right);
  for (int64_t y = 0; y < height; ++y, to += width) {
    const int64_t row = y + window.down;
    if (row < 0 || row >= height) {
      std::fill_n(to, width, shift);
      continue;
    }
    std::fill(to, to + first, shift);
    convert(from + row * width + first + window.right, last - first, scale, shift, to + first);
    std::fill(to + last, to + width, shift);
    if (window.mirror) std::reverse(to, to + width);
  }
}

/// The windows of a batch in order, each from its own draws.
class Windows {
 public:
  Windows(Augmentation augmentation, uint64_t seed)
      : padding_(augmentation.crop_padding), flip_(augmentation.flip), random_(seed) {}

  Window next() {
    Window window;
    if (padding_ > 0) {
      window.down = offset();
      window.right = offset();
    }
    if (flip_) window.mirror = random_.next() >> 63;
    return window;
  }

 private:
  int64_t offset() { return static_cast<int64_t>(random_.below(2 * padding_ + 1)) - padding_; }

  int64_t padding_;
  bool flip_;
  Random random_;
};

}  // namespace

Loader::Loader(std::shared_ptr<const Dataset> data, const Dataset& statistics,
               Augmentation augmentation, uint64_t seed, int worker, at::Device device)
    : data_(std::move(data)),
      augmentation_(augmentation),
      seed_(seed),
      worker_(worker),
      device_(device) {
  check_augmentation();
  if (!data_->is_text()) normalise_by(statistics);
}

void Loader::check_augmentation() const {
  const Augmentation& a = augmentation_;
  require(!data_->is_text() || a.none(), "{} is for pictures, and the data are text",
          key_in_use(a));
  if (a.erase == 0 && a.cutmix == 0) return;
  const at::IntArrayRef sizes = data_->inputs.sizes();
  require(sizes[2] > 1 && sizes[3] > 1, "{} cuts rectangles, and the inputs are {} x {}",
          a.erase > 0 ? Key{"erase"} : Key{"cutmix"}, sizes[2], sizes[3]);
}

Batch Batch::part(int64_t begin, int64_t end) const {
  const auto of = [&](const at::Tensor& tensor) {
    return tensor.defined() ? tensor.narrow(0, begin, end - begin) : tensor;
  };
  return {of(input), of(target), of(target_here), of(other_target), share};
}

void Loader::normalise_by(const Dataset& statistics) {
  const at::Tensor& inputs = data_->inputs;
  const auto channels = static_cast<size_t>(inputs.size(1));
  if (statistics.mean.size() != channels || statistics.stddev.size() != channels)
    throw std::invalid_argument(fmt::format("loader: {} channels but statistics of {} and {}",
                                            channels, statistics.mean.size(),
                                            statistics.stddev.size()));
  const int64_t side = std::min(inputs.size(2), inputs.size(3));
  require(0 <= augmentation_.crop_padding && augmentation_.crop_padding < side,
          "{} must be in [0, {}) for images of {} x {}, got {}", Key{"crop-padding"}, side,
          inputs.size(2), inputs.size(3), augmentation_.crop_padding);

  const double unit = inputs.scalar_type() == at::kByte ? 255.0 : 1.0;
  for (size_t c = 0; c < channels; ++c) {
    const double mean = statistics.mean[c], stddev = statistics.stddev[c];
    scale_.push_back(static_cast<float>(1 / (unit * stddev)));
    shift_.push_back(static_cast<float>(-mean / stddev));
  }
}

Batch Loader::gather(std::span<const int64_t> indices, int64_t step) {
  return fill(indices, augmentation_, step);
}

Batch Loader::range(int64_t begin, int64_t end) {
  if (begin < 0 || end < begin)
    throw std::out_of_range(fmt::format("loader: range [{}, {})", begin, end));
  range_.resize(end - begin);
  std::iota(range_.begin(), range_.end(), begin);
  return fill(range_, Augmentation{}, 0);
}

Batch Loader::fill(std::span<const int64_t> indices, Augmentation augmentation, int64_t step) {
  const auto n = static_cast<int64_t>(indices.size());
  for (const int64_t index : indices)
    if (index < 0 || index >= data_->size())
      throw std::out_of_range(fmt::format("loader: example {} of {}", index, data_->size()));

  make_room(n);

  const auto* targets = static_cast<const char*>(data_->targets.data_ptr());
  auto* target = static_cast<char*>(batch_.target.data_ptr());
  const auto bytes = data_->targets.stride(0) * static_cast<int64_t>(data_->targets.element_size());
  for (int64_t i = 0; i < n; ++i)
    std::memcpy(target + i * bytes, targets + indices[i] * bytes, static_cast<size_t>(bytes));

  with_values(data_->inputs, [&](const auto* examples) {
    if (data_->is_text()) {
      fill_tokens(examples, indices);
    } else {
      fill_input(examples, indices, augmentation, step);
    }
  });
  Batch batch = batch_;
  if (augmentation.blends()) {
    Random random(derive_seed(seed_, worker_, "blend", step));
    const Blend blend =
        draw_blend(augmentation, n, batch.input.size(2), batch.input.size(3), random);
    blend_into(batch.input, blend);
    batch.other_target = batch.target.index_select(0, at::tensor(blend.partner, at::kLong));
    batch.share = blend.share;
  }
  if (device_.is_cpu()) return batch;
  const auto sent = [&](const at::Tensor& tensor) {
    return tensor.defined() ? tensor.to(device_, tensor.scalar_type(), /*non_blocking=*/true)
                            : tensor;
  };
  return {sent(batch.input), sent(batch.target), batch.target, sent(batch.other_target),
          batch.share};
}

// For another device anew each time, from the allocator of pinned memory, which gives none of it
// away again while it is being copied.
void Loader::make_room(int64_t n) {
  if (!device_.is_cpu() || !room_.input.defined() || room_.input.size(0) < n) {
    std::vector<int64_t> shape = data_->inputs.sizes().vec();
    shape[0] = n;
    std::vector<int64_t> of_targets = data_->targets.sizes().vec();
    of_targets[0] = n;
    const auto options = at::TensorOptions().pinned_memory(device_.is_cuda());
    room_ = {at::empty(shape, options.dtype(data_->is_text() ? at::kLong : at::kFloat)),
             at::empty(of_targets, options.dtype(data_->targets.scalar_type()))};
    batch_ = room_;
  }
  if (batch_.input.size(0) != n)
    batch_ = {room_.input.narrow(0, 0, n), room_.target.narrow(0, 0, n)};
}

template <typename T>
void Loader::fill_tokens(const T* examples, std::span<const int64_t> indices) {
  const int64_t length = data_->inputs.size(1);
  int64_t* to = batch_.input.data_ptr<int64_t>();
  for (const int64_t index : indices) {
    const T* from = examples + index * length;
    for (int64_t k = 0; k < length; ++k) *to++ = static_cast<int64_t>(from[k]);
  }
}

template <typename T>
void Loader::fill_input(const T* examples, std::span<const int64_t> indices,
                        Augmentation augmentation, int64_t step) {
  const int64_t channels = data_->inputs.size(1);
  const int64_t height = data_->inputs.size(2), width = data_->inputs.size(3);
  const int64_t plane = height * width;
  const bool augmented = augmentation.crop_padding > 0 || augmentation.flip;
  Windows windows(augmentation, derive_seed(seed_, worker_, "augment", step));
  Random erasing(derive_seed(seed_, worker_, "erase", step));
  float* to = batch_.input.data_ptr<float>();
  for (const int64_t index : indices) {
    const T* from = examples + index * channels * plane;
    const Window window = windows.next();
    for (int64_t c = 0; c < channels; ++c, from += plane, to += plane)
      if (augmented)
        convert_window(from, height, width, window, scale_[c], shift_[c], to);
      else
        convert(from, plane, scale_[c], shift_[c], to);
    if (augmentation.erase > 0 && erasing.uniform() < augmentation.erase) {
      if (const auto part = draw_erased(height, width, erasing))
        erase(to - channels * plane, channels, height, width, *part);
    }
  }
}

}  // namespace valley
