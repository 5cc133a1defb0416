#include "valley/data/examples_file.h"

#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/ranges.h>

#include "valley/core/atomic_file.h"
#include "valley/core/error.h"
#include "valley/data/bytes.h"
#include "valley/data/npy.h"
#include "valley/data/picture_file.h"
#include "valley/data/text.h"

namespace valley {
namespace {

std::shared_ptr<const Dataset> text_example(const std::string& path, const Dataset& trained) {
  auto data = std::make_shared<Dataset>(trained);
  data->inputs = end_of_text(path, trained.inputs.size(1), trained.words.get());
  data->targets = at::zeros_like(data->inputs);
  return data;
}

at::Tensor picture(const std::string& path, const Dataset& trained) {
  const at::IntArrayRef s = trained.inputs.sizes();
  require(trained.inputs.scalar_type() == at::kByte && (s[1] == 1 || s[1] == 3),
          "{}: the model was trained on examples of [{}], which are no pictures", path,
          fmt::join(s.slice(1), ", "));
  try {
    return resize_and_crop(decode_picture(read_file(path), s[1] == 3), s[2], s[3]).unsqueeze(0);
  } catch (const BadPicture& error) {
    throw UsageError(fmt::format("{}: {}", path, error.what()));
  }
}

// [N, ...] of as many values an example, whichever way they are laid out; or one example.
at::Tensor array(const std::string& path, const Dataset& trained) {
  const at::Tensor values = map_npy(path);
  const at::IntArrayRef wanted = trained.inputs.sizes().slice(1);
  const int64_t size = c10::multiply_integers(wanted);
  const bool fits = values.dim() > 0 && values.numel() == values.size(0) * size;
  require(fits, "{} is [{}], but the model was trained on examples of [{}]", path,
          fmt::join(values.sizes(), ", "), fmt::join(wanted, ", "));
  require(
      (values.scalar_type() == at::kByte) == (trained.inputs.scalar_type() == at::kByte),
      "{}: bytes (uint8) are scaled to [0, 1], and either both or none of these and the examples "
      "to train on must be some",
      path);
  return values.view({values.size(0), wanted[0], wanted[1], wanted[2]});
}

}  // namespace

std::shared_ptr<const Dataset> examples_of_file(const std::string& path, const Dataset& trained) {
  if (trained.is_text()) return text_example(path, trained);
  require_data_file(path, "");
  auto data = std::make_shared<Dataset>();
  if (trained.reader != nullptr) {
    data->inputs = trained.reader->read(path);
  } else {
    data->inputs = path.ends_with(".npy") ? array(path, trained) : picture(path, trained);
  }
  data->targets = at::zeros({data->inputs.size(0)}, at::kLong);
  data->classes = trained.classes;
  data->mean = trained.mean;
  data->stddev = trained.stddev;
  return data;
}

}  // namespace valley
