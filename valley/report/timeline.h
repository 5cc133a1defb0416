#pragma once

#include <string>
#include <vector>

#include "valley/record/json_file.h"
#include "valley/report/report_run.h"

namespace valley {

/// Seconds of one worker by what it did.
struct WorkerSeconds {
  double compute = 0, communicate = 0, wait = 0, data = 0, evaluate = 0;
};

/// A Chrome trace as trace.json has it, made small enough to draw:
///
///     seconds   from the first span to the end of the last
///     workers   [{compute, communicate, wait, data, evaluate}]  seconds, a worker; probe where
///               there were any
///     dropped   spans the recorder threw away
///     shares    {seconds: of a bucket, wait: [[...]], communicate: [[...]]}  [workers][buckets]
///     window    {begin, end, spans: [[worker, phase, begin, seconds, step]]}  a stretch in full,
///               its spans counted from its begin and phases numbered as in the line of workers,
///               from the middle of the run, without an evaluation or probe where there is such a
///               stretch
///
/// Null if there are no spans. Parts of a trace that are no spans of Valley's are left out.
Json timeline_of(const Json& trace, const ReportLimits& limits);

/// Who the others wait for, in a sentence; "" for fewer than two workers.
///
/// A worker is a straggler if it computes (data included) at least a tenth longer than the median
/// worker, and the others wait at least a twentieth of their time in training.
std::string straggler_sentence(const std::vector<WorkerSeconds>& workers);

/// The "workers" of timeline_of().
std::vector<WorkerSeconds> worker_seconds(const Json& timeline);

}  // namespace valley
