#pragma once

#include "valley/core/error.h"
#include "valley/data/options.h"

namespace valley {

/// The setting by which images are changed at random, where any is: what errors name.
inline Key key_in_use(const Augmentation& a) {
  if (a.flip) return {"flip"};
  if (a.crop_padding > 0) return {"crop-padding"};
  if (a.erase > 0) return {"erase"};
  return a.mixup > 0 ? Key{"mixup"} : Key{"cutmix"};
}

}  // namespace valley
