#include "tests/fuzz/fuzzer.h"
#include "valley/data/picture_file.h"

using namespace valley;

VALLEY_FUZZER(picture) {
  return fuzz::taken([&] {
    const PictureSize size = picture_size(bytes);
    const at::Tensor pixels = decode_picture(bytes, size.colour);
    fuzz::expect(pixels.size(1) == size.height && pixels.size(2) == size.width, "the size");
  });
}
