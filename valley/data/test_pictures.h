#pragma once

#include <ATen/core/Tensor.h>
#include <png.h>
#include <turbojpeg.h>

#include "valley/data/test_files.h"

namespace valley {

/// PNG and JPEG files of pixels [H, W, C] uint8, C = 1 or 3 (PNG: or 4, with transparency).
inline Bytes png_bytes(const at::Tensor& pixels) {
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  image.height = static_cast<uint32_t>(pixels.size(0));
  image.width = static_cast<uint32_t>(pixels.size(1));
  image.format = pixels.size(2) == 1   ? PNG_FORMAT_GRAY
                 : pixels.size(2) == 3 ? PNG_FORMAT_RGB
                                       : PNG_FORMAT_RGBA;
  png_alloc_size_t size = 0;
  png_image_write_to_memory(&image, nullptr, &size, 0, pixels.data_ptr(), 0, nullptr);
  Bytes bytes(size);
  png_image_write_to_memory(&image, bytes.data(), &size, 0, pixels.data_ptr(), 0, nullptr);
  bytes.resize(size);
  return bytes;
}

inline Bytes jpeg_bytes(const at::Tensor& pixels) {
  const bool grey = pixels.size(2) == 1;
  const tjhandle handle = tjInitCompress();
  unsigned char* made = nullptr;
  unsigned long size = 0;
  tjCompress2(handle, pixels.data_ptr<uint8_t>(), static_cast<int>(pixels.size(1)), 0,
              static_cast<int>(pixels.size(0)), grey ? TJPF_GRAY : TJPF_RGB, &made, &size,
              grey ? TJSAMP_GRAY : TJSAMP_444, 95, TJFLAG_ACCURATEDCT);
  const Bytes bytes(made, made + size);
  tjFree(made);
  tjDestroy(handle);
  return bytes;
}

}  // namespace valley
