#include "valley/algorithms/mean_of_moves.h"
#include "valley/algorithms/wire_mean.h"

namespace valley {

std::unique_ptr<Meeting> make_mean(const std::string& wire, const AlgorithmContext& context) {
  check_wire(wire);
  if (wire == "none") return std::make_unique<MeanOfAll>();
  if (close_wire(wire)) return std::make_unique<WireMean>(wire);
  return std::make_unique<MeanOfMoves>(make_mean_coder(wire, context));
}

}  // namespace valley
