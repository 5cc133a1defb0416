#include "valley/data/picture_file.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/_upsample_bilinear2d_aa.h>
#include <ATen/ops/empty.h>
#include <png.h>
#include <turbojpeg.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <vector>

#include "valley/data/picture_bytes.h"

namespace valley {
namespace {

bool is_jpeg(std::string_view file) { return file.starts_with("\xff\xd8\xff"); }
bool is_png(std::string_view file) { return file.starts_with("\x89PNG\r\n\x1a\n"); }

// A header may claim anything; what it claims is allocated, as far as so many bytes can hold it.
constexpr int64_t kMostPixels = int64_t{1} << 28;

void check_size(int64_t height, int64_t width, int64_t most) {
  most = std::min(most, kMostPixels);
  if (height < 1 || width < 1 || height > most / width)
    throw BadPicture(fmt::format("its header claims {} x {} pixels", width, height));
}

// Blocks of 8 x 8 pixels, of which one without a change takes a bit, or a fraction of one in the
// rare files whose codes are arithmetic.
int64_t most_pixels_of_jpeg(int64_t bytes) { return bytes * 64 * 64; }

// deflate makes 1032 bytes of one at most.
int64_t most_pixels_of_png(std::string_view file) {
  const auto at = [&](size_t k) { return k < file.size() ? static_cast<uint8_t>(file[k]) : 0; };
  const int64_t depth = std::max<int64_t>(at(24), 1), kind = at(25);
  const int64_t channels = kind == 2 ? 3 : kind == 4 ? 2 : kind == 6 ? 4 : 1;
  return static_cast<int64_t>(file.size()) * 1032 * 8 / (depth * channels);
}

class Jpeg {
 public:
  explicit Jpeg(std::string_view file) : file_(file), handle_(tjInitDecompress(), &tjDestroy) {
    int width = 0, height = 0, subsampling = 0, colours = 0;
    if (tjDecompressHeader3(handle_.get(), bytes(), file_.size(), &width, &height, &subsampling,
                            &colours) != 0)
      fail();
    check_size(height, width, most_pixels_of_jpeg(static_cast<int64_t>(file_.size())));
    size_ = {.height = height, .width = width, .colour = colours != TJCS_GRAY};
  }

  PictureSize size() const { return size_; }

  void decode(uint8_t* pixels, bool colour) {
    // What libjpeg can go on after (a file cut short is filled with grey) is damage all the same.
    if (tjDecompress2(handle_.get(), bytes(), file_.size(), pixels, static_cast<int>(size_.width),
                      0, static_cast<int>(size_.height), colour ? TJPF_RGB : TJPF_GRAY,
                      TJFLAG_ACCURATEDCT) != 0)
      fail();
  }

 private:
  const unsigned char* bytes() const {
    return reinterpret_cast<const unsigned char*>(file_.data());
  }
  [[noreturn]] void fail() { throw BadPicture(tjGetErrorStr2(handle_.get())); }

  std::string_view file_;
  std::unique_ptr<void, int (*)(void*)> handle_;
  PictureSize size_;
};

class Png {
 public:
  explicit Png(std::string_view file) {
    image_.version = PNG_IMAGE_VERSION;
    if (png_image_begin_read_from_memory(&image_, file.data(), file.size()) == 0) fail();
    check_size(image_.height, image_.width, most_pixels_of_png(file));
  }
  ~Png() { png_image_free(&image_); }
  Png(const Png&) = delete;
  Png& operator=(const Png&) = delete;

  PictureSize size() const {
    return {.height = image_.height,
            .width = image_.width,
            .colour = (image_.format & PNG_FORMAT_FLAG_COLOR) != 0};
  }

  void decode(uint8_t* pixels, bool colour) {
    // With its transparency, which would be laid over what stands in `pixels` otherwise.
    image_.format = colour ? PNG_FORMAT_RGBA : PNG_FORMAT_GA;
    std::vector<uint8_t> all(PNG_IMAGE_SIZE(image_));
    if (png_image_finish_read(&image_, nullptr, all.data(), 0, nullptr) == 0) fail();
    const size_t kept = colour ? 3 : 1;
    for (size_t i = 0; i < all.size(); i += kept + 1) pixels = std::copy_n(&all[i], kept, pixels);
  }

 private:
  [[noreturn]] void fail() { throw BadPicture(image_.message); }

  png_image image_ = {};
};

[[noreturn]] void refuse() { throw BadPicture("neither JPEG nor PNG"); }

template <typename File>
at::Tensor decode(std::string_view bytes, bool colour) {
  File file(bytes);
  const PictureSize size = file.size();
  const at::Tensor pixels = at::empty({size.height, size.width, colour ? 3 : 1}, at::kByte);
  file.decode(pixels.data_ptr<uint8_t>(), colour);
  return pixels.permute({2, 0, 1}).contiguous();
}

}  // namespace

PictureSize picture_size(std::string_view file) {
  if (is_jpeg(file)) return Jpeg(file).size();
  if (is_png(file)) return Png(file).size();
  refuse();
}

at::Tensor decode_picture(std::string_view file, bool colour) {
  if (is_jpeg(file)) return decode<Jpeg>(file, colour);
  if (is_png(file)) return decode<Png>(file, colour);
  refuse();
}

std::string png_file(const at::Tensor& pixels) {
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  image.height = static_cast<png_uint_32>(pixels.size(0));
  image.width = static_cast<png_uint_32>(pixels.size(1));
  image.format = pixels.size(2) == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  std::string bytes(PNG_IMAGE_PNG_SIZE_MAX(image), '\0');
  png_alloc_size_t size = bytes.size();
  if (png_image_write_to_memory(&image, bytes.data(), &size, 0, pixels.data_ptr(), 0, nullptr) == 0)
    throw std::logic_error(image.message);
  bytes.resize(size);
  return bytes;
}

at::Tensor resize_and_crop(const at::Tensor& picture, int64_t height, int64_t width) {
  const int64_t h = picture.size(1), w = picture.size(2);
  if (h == height && w == width) return picture;
  const double scale = std::max(static_cast<double>(height) / static_cast<double>(h),
                                static_cast<double>(width) / static_cast<double>(w));
  const auto scaled = [&](int64_t side, int64_t least) {
    return std::max(least, static_cast<int64_t>(std::lround(static_cast<double>(side) * scale)));
  };
  const int64_t tall = scaled(h, height), wide = scaled(w, width);
  const at::Tensor resized =
      at::_upsample_bilinear2d_aa(picture.unsqueeze(0).to(at::kFloat), {tall, wide},
                                  /*align_corners=*/false)
          .squeeze(0);
  return resized.narrow(1, (tall - height) / 2, height)
      .narrow(2, (wide - width) / 2, width)
      .round()
      .clamp(0, 255)
      .to(at::kByte)
      .contiguous();
}

}  // namespace valley
