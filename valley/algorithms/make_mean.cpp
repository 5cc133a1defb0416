#include "valley/algorithms/wire_mean.h"

namespace valley {

std::unique_ptr<Meeting> make_mean(const std::string& wire) {
  if (wire == "none") return std::make_unique<MeanOfAll>();
  return std::make_unique<WireMean>(wire);
}

}  // namespace valley
