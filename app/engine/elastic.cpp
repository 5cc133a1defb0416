#include "app/engine/elastic.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "app/engine/run.h"
#include "app/engine/stop.h"
#include "app/engine/tell.h"
#include "app/exit_code.h"
#include "valley/comm/gathering.h"
#include "valley/core/error.h"
#include "valley/instruments/dynamics_probe.h"
#include "valley/record/progress.h"
#include "valley/train/job_card.h"
#include "valley/train/keepsake.h"

namespace valley::app {
namespace {

constexpr int kTries = 3;  // of the same workers to come past the same point

std::vector<int> ids_of(const GatheredGroup& group) {
  std::vector<int> ids;
  for (const Gathered& worker : group.workers) ids.push_back(worker.id);
  return ids;
}

// Workers that come and go: a training for every group, and what a worker keeps from one to the
// next.
class ElasticWorker {
 public:
  ElasticWorker(const RunConfig& config, const WorkerEnvironment& environment,
                const std::string& token, const FindStart& find_start, bool quiet, bool json)
      : config_(config),
        environment_(environment),
        token_(token),
        find_start_(find_start),
        quiet_(quiet),
        json_(json),
        progress_(progress_unless(quiet)),
        gathering_(open_gathering(environment, config.timeout, token)) {
    keepsake_.full_workers = static_cast<int>(config.workers);
  }

  int run(const std::function<int(const Summary&)>& report) {
    const DataNotes notes;
    const DataSplits data = load_job_data(config_);
    const Card card = job_card(config_, *make_job_model(config_, data), data);
    config_ = with_absolute_paths(config_);
    if (environment_.gathered == 0 && !quiet_) tell(notes);
    const std::atomic<bool>* stop = nullptr;
    std::optional<Summary> summary;
    while (true) {
      const GatheredGroup group = gathering_.next(keepsake_.word());
      if (stop == nullptr) stop = &stop_on_signals();
      if (group.finished) return summary ? end(*summary, report) : exit_code::kDone;
      summary.reset();
      rank_ = gathering_.rank(group);
      try {
        const auto comm = join(group, card);
        try {
          summary = train(group, data, *comm, *stop);
          comm->barrier();  // nobody leaves while others still work
        } catch (const std::exception& error) {
          comm->abort(marked_text(error));
          throw;
        }
        return end(*summary, report);
      } catch (const Regroup&) {
        continue;
      } catch (const CommError&) {
        if (!group.enough || ++failures_[{ids_of(group), keepsake_.sections}] > kTries) throw;
      }
    }
  }

 private:
  std::unique_ptr<Communicator> join(const GatheredGroup& group, const Card& card) {
    JoinOptions options = join_options(environment_, config_.timeout);
    apply({.interface = config_.interface,
           .run_id = "",
           .token = token_,
           .card = settings_card(config_)},
          options);
    if (!quiet_) options.on_stall = [&](const std::string& text) { progress_->message(text); };
    auto comm = gathering_.connect(group, options);
    require_agreement(*comm, card);
    return comm;
  }

  Summary train(const GatheredGroup& group, const DataSplits& data, Communicator& comm,
                const std::atomic<bool>& stop) {
    std::vector<std::string> words;
    for (const Gathered& worker : group.workers) words.push_back(worker.word);
    const bool goes_on = settle(keepsake_, comm, words) >= 0;
    keepsake_.too_few = !group.enough;
    keepsake_.called = [this] { return gathering_.called(); };
    // What the launcher has prepared is there; later on there may be a checkpoint, too.
    const bool resume = group.number > 1 || find_start_() == Start::kResumed;
    if (comm.rank() == 0 && group.number > 1) {
      progress_->message(fmt::format(
          "{} of {} workers go on {}", comm.size(), config_.workers,
          goes_on ? fmt::format("after step {}", keepsake_.step) : std::string("from the disk")));
    }
    return run_job(config_, data, comm,
                   {.resume = resume,
                    .progress = progress_.get(),
                    .stop = &stop,
                    .make_probe = make_probe,
                    .keepsake = &keepsake_,
                    .show_partition = !json_});
  }

  int end(const Summary& summary, const std::function<int(const Summary&)>& report) {
    progress_->finish();
    if (rank_ == 0) return report(summary);
    return summary.status == RunState::Kind::kInterrupted ? exit_code::kInterrupted
                                                          : exit_code::kDone;
  }

  RunConfig config_;
  const WorkerEnvironment& environment_;
  const std::string& token_;
  const FindStart& find_start_;
  const bool quiet_, json_;
  const std::unique_ptr<Progress> progress_;
  Gathering gathering_;
  Keepsake keepsake_;
  std::map<std::pair<std::vector<int>, int64_t>, int> failures_;
  int rank_ = -1;  // in the group of now
};

}  // namespace

int run_as_elastic_worker(const RunConfig& config, const WorkerEnvironment& environment,
                          const std::string& token, const FindStart& find_start, bool quiet,
                          bool json, const std::function<int(const Summary&)>& report) {
  return ElasticWorker(config, environment, token, find_start, quiet, json).run(report);
}

}  // namespace valley::app
