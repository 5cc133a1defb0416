#include "valley/optim/shared_part.h"

#include <ATen/ops/empty.h>

#include "valley/core/error.h"
#include "valley/core/patterns.h"

namespace valley {

SharedPart::SharedPart(const FlatParameters& parameters, const std::string& personal) {
  if (personal.empty()) return;
  std::vector<std::string> names;
  for (const NamedRange& range : parameters.ranges()) names.push_back(range.name);
  shared_ = parameters_called(personal, names, Key{"personal"});
  shared_.flip();
  for (size_t i = 0; i < shared_.size(); ++i) {
    if (!shared_[i]) continue;
    ranges_.push_back(parameters.ranges()[i]);
    size_ += ranges_.back().size;
  }
  require(size_ > 0, "{} {} leaves nothing to be shared", Key{"personal"}, personal);
}

void SharedPart::take(const at::Tensor& x, at::Tensor& s) const {
  if (!s.defined()) s = at::empty({size_}, x.options());
  int64_t place = 0;
  for (const NamedRange& range : ranges_) {
    s.narrow(0, place, range.size).copy_(x.narrow(0, range.offset, range.size));
    place += range.size;
  }
}

void SharedPart::put(const at::Tensor& s, at::Tensor& x) const {
  int64_t place = 0;
  for (const NamedRange& range : ranges_) {
    x.narrow(0, range.offset, range.size).copy_(s.narrow(0, place, range.size));
    place += range.size;
  }
}

}  // namespace valley
