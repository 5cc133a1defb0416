#include "valley/train/job_card.h"

#include <fmt/ranges.h>

#include <string_view>

#include "valley/core/crc32c.h"
#include "valley/models/dtype.h"

namespace valley {
namespace {

uint32_t checksum(const at::Tensor& tensor, uint32_t before) {
  const at::Tensor whole = tensor.contiguous();
  return crc32c({static_cast<const char*>(whole.data_ptr()), whole.nbytes()}, before);
}

std::string shape_and_type(const at::Tensor& tensor, at::IntArrayRef sizes) {
  return fmt::format("[{}] {}", fmt::join(sizes, ", "), dtype_name(tensor.scalar_type()));
}

void add_split(Card& card, const std::string& name, const Dataset& split, bool same) {
  card.add(name + " examples", std::to_string(split.size()));
  card.add(name + " example", shape_and_type(split.inputs, split.inputs.sizes().slice(1)));
  card.add(name + " classes", std::to_string(split.classes));
  if (!same) return;
  card.add(name + " data, checksum",
           fmt::format("{:08x}", checksum(split.targets, checksum(split.inputs, 0))));
}

}  // namespace

Card job_card(const RunConfig& config, Model& model, const DataSplits& data) {
  Card card;
  add_split(card, "training", *data.train, !config.own_data);
  add_split(card, "test", *data.test, !config.own_data);
  for (const auto& [name, tensor] : model.parameters())
    card.add("parameter " + name, shape_and_type(tensor, tensor.sizes()));
  for (const auto& [name, tensor] : model.buffers())
    card.add("buffer " + name, shape_and_type(tensor, tensor.sizes()));
  return card;
}

}  // namespace valley
