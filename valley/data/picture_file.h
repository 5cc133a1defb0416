#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>

#include "valley/core/error.h"

namespace valley {

/// A picture cannot be read; the text says why, without the file's name.
class BadPicture : public UsageError {
  using UsageError::UsageError;
};

struct PictureSize {
  int64_t height = 0, width = 0;
  bool colour = false;

  bool operator==(const PictureSize&) const = default;
};

/// What the header of a JPEG or PNG file says; its content decides what it is, not its name.
/// @throws BadPicture "neither JPEG nor PNG", or what its library says.
PictureSize picture_size(std::string_view file);

/// The pixels [C, height, width] uint8: 3 channels, or the luminance alone. Transparency is
/// dropped, not laid over a background, as PIL's convert("RGB") drops it.
/// @throws BadPicture also for a file that is cut short, or of other damage that its library sees.
at::Tensor decode_picture(std::string_view file, bool colour);

/// A picture [C, h, w] uint8 made [C, height, width]: the shorter side (seen from the ratio of the
/// new ones) is brought to its new length by triangle filters as wide as the change asks for
/// (LibTorch's antialiased bilinear interpolation, which follows PIL's BILINEAR to one level), and
/// of the longer the middle is taken.
at::Tensor resize_and_crop(const at::Tensor& picture, int64_t height, int64_t width);

}  // namespace valley
