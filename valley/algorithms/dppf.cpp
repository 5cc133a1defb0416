#include "valley/algorithms/dppf.h"

#include "valley/algorithms/pull_push.h"
#include "valley/algorithms/rounds.h"
#include "valley/algorithms/wire_mean.h"

namespace valley {

std::unique_ptr<Algorithm> make_dppf(const DppfOptions& options, const AlgorithmContext& context) {
  check_ranges(options);
  check_compressible(options);
  return make_rounds(options, context, [options](const AlgorithmContext& c) {
    return Round(
        make_mean(options.wire, c),
        std::make_unique<PullPushRule>(options.pull_push, options.push_schedule,
                                       Fading(options.fade.value_or(0), options.fade_to, c)));
  });
}

}  // namespace valley
