#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "valley/algorithms/algorithm.h"
#include "valley/comm/communicator.h"
#include "valley/record/json_file.h"
#include "valley/record/trace.h"

namespace valley {

class MetricsWriter;
class TensorBoardWriter;

/// What a worker has noted: its part of the record, as far as worker 0 does not have it yet, and
/// when it did what.
struct KeptRecord {
  std::vector<Json> notes;
  TraceRecorder trace{0};
};

/// What the workers of a run have to tell, brought together by worker 0 in the run folder:
/// metrics.jsonl, TensorBoard events, trace.json. Each worker notes its own rounds and losses;
/// flush() sends them to worker 0 at moments when all workers meet anyway, so that recording adds
/// no meeting of its own to the training.
class Recorder {
 public:
  /// `out` "" records nothing. `resume_step`: records beyond it are dropped; -1 for a new run.
  /// `kept`: where what is to outlive this lives, if anything is. Not owned.
  Recorder(Communicator& comm, const std::string& out, int64_t resume_step,
           KeptRecord* kept = nullptr);
  ~Recorder();

  /// What a person should know of the records that a resumed run found; "" if nothing.
  std::string warning() const;

  bool active() const { return active_; }
  TraceRecorder* trace() { return active_ ? &trace_ : nullptr; }
  /// The training begins; of a worker that goes on in another group its trace has begun already.
  void start_trace();

  /// This worker's view of the round after `step` steps.
  void round(int64_t step, double epoch, int64_t round, int64_t period, double lr,
             const RoundReport& report);

  /// This worker's mean loss over the epoch that ended after `step` steps.
  void epoch(int64_t step, double epoch, double loss, double lr);

  /// A record about all workers, the same on each; worker 0 writes it.
  void mean(const Json& record);

  /// Another group goes on from here.
  void group(int64_t step, double epoch, int workers);

  /// Collective: all notes so far go to the files, ordered by step, and onto the disk.
  void flush();

  /// What a person should know of the losses that worker 0 was sent, once a worker: that one is
  /// above three times the median of the others', and twice what it has been. "" if nothing, and on
  /// the other workers.
  std::string take_stray();

  /// Collective: flush, and the traces of all workers.
  void finish();

 private:
  Json to_send();
  void look_for_strays(const std::vector<Json>& notes);
  void write(const Json& record);
  void write_scalars(const std::string& group, int64_t step, const Json& values);

  Communicator& comm_;
  bool active_;
  std::string out_;
  KeptRecord own_;
  TraceRecorder& trace_;
  std::vector<Json>& notes_;        // of this worker, see to_send()
  std::vector<Json> mean_records_;  // likewise, about all workers
  int64_t evaluated_step_ = -1;     // at resume: the evaluation of this step is in the file
  int64_t sent_step_ = -1;          // of the newest of them that was sent
  std::string stray_;
  std::map<int, double> lowest_;  // loss so far, by worker
  std::set<int> strayed_;         // who was told of already
  int64_t noted_step_ = -1;       // the workers' notes up to this step are there
  std::unique_ptr<MetricsWriter> metrics_;
  std::unique_ptr<TensorBoardWriter> tensorboard_;
};

}  // namespace valley
