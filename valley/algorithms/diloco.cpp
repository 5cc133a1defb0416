#include "valley/algorithms/diloco.h"

#include "valley/algorithms/outer_step.h"
#include "valley/algorithms/rounds.h"
#include "valley/algorithms/wire_mean.h"

namespace valley {
std::unique_ptr<Algorithm> make_diloco(const DiLoCoOptions& options,
                                       const AlgorithmContext& context) {
  check_ranges(options);
  return make_rounds(options, context, [options](const AlgorithmContext& c) {
    return Round(
        make_mean(options.wire, c),
        std::make_unique<NesterovOverRounds>(options.outer_lr, options.outer_momentum,
                                             options.outer_restart, options.streaming.fragments));
  });
}

}  // namespace valley
