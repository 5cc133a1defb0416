#include "valley/analysis/batch_norm_at.h"

#include "valley/core/error.h"
#include "valley/core/names.h"

namespace valley {

std::string_view name(BatchNormAt at) { return at == BatchNormAt::kModel ? "average" : "probe"; }

BatchNormAt parse_batch_norm(const std::string& text) {
  const size_t place = choose(fmt::format("{}", Key{"batch-norm"}), text, {"average", "probe"});
  return place == 0 ? BatchNormAt::kModel : BatchNormAt::kProbe;
}

}  // namespace valley
