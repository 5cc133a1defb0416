#include "valley/train/broken_off.h"

#include <fmt/format.h>

#include "valley/core/error.h"
#include "valley/models/model_pass.h"

namespace valley {

Summary telling_where(const Worker& worker, const RunCheckpoint& checkpoint,
                      const std::function<Summary()>& run) {
  const bool folder = !worker.options.out.empty();
  const auto broken_off = [&](const std::string& reason) {
    return ModelError(fmt::format("{}: broken off after step {} on worker {}{}", reason,
                                  worker.clock.step, worker.comm.rank(),
                                  folder ? "; " + checkpoint.newest() : ""));
  };
  try {
    return run();
  } catch (const Diverged& error) {
    throw Diverged(fmt::format(
        "{}; {}", error.marked(),
        folder ? checkpoint.newest()
               : fmt::format("a smaller {} or a stronger {} may help", Key{"lr"}, Key{"pull"})));
  } catch (const UsageError& error) {
    throw broken_off(error.marked());
  } catch (const ModelError& error) {
    throw broken_off(error.marked());
  }
}

}  // namespace valley
