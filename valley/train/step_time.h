#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "valley/compression/payload.h"
#include "valley/train/run_config.h"

/// How long a training takes on other machines than this one: a model, in which every worker
/// computes as fast as the others but for chance, and sends and receives at once over a link of its
/// own into a network that nobody fills.
namespace valley {

struct Link {
  double bits_per_second = 1e9;  ///< of Ethernet frames
  double latency = 0;            ///< seconds from one worker to another
};

/// A local step of one worker: data, gradient, optimizer.
struct LocalStep {
  double seconds = 0.1;
  double spread = 0;  ///< standard deviation from step to step, as a share of it
};

/// A local step and its share of a round, of a worker in the mean: seconds.
struct StepTime {
  double compute = 0;
  double wait = 0;         ///< until the slowest of all has come to the round
  double communicate = 0;  ///< that the worker sees
  double hidden = 0;       ///< while it computes
  double wire_bytes = 0;   ///< sent

  double total() const { return compute + wait + communicate; }
};

/// What is trained.
struct Network {
  int64_t parameters = 0;
  std::vector<MatrixShape> shapes = {};  ///< of its layers; asked by wire powersgd-RANK
};

/// The bytes that an operation sends over a link, of M workers that hand in `payload` each, and its
/// turns, one after the other, each of which takes a latency:
///
///     all-reduce    2 (M - 1) / M payload     2 (M - 1) turns: a ring
///     all-gather    (M - 1) payload           1: to each of the others (sparsign, wash,
///                                             compress-rounds)
///     wire format   2 (M - 1) / M payload     2: to the owners of the slices, and back
///     powersgd      2 (M - 1) / M payload     4 (M - 1): two all-reduces
///     neighbours    payload                   1: it counts every neighbour
///
/// and in each operation, of which a wire format has two, 64 (M - 1) bytes and a turn more, in
/// which all say what they call. On the link 1448 bytes take 1514.
///
/// A round of period tau takes place in every tau-th step. The workers wait for the last of them:
/// with steps that are normally distributed, spread sqrt(tau) z_M seconds, where z_M is the mean of
/// the largest of M standard normals. What travels while the worker computes costs nothing until
/// it takes longer: D steps with --delay D, one with the mixing awc, half a step with ssgd, whose
/// gradients leave as backward computes them.
///
/// A round costs a core time, too, as it did on one of a Xeon of 2023: 1.3 ns a value for the pass
/// over x, by a wire format 3 more for coding; and what is hidden is not free where one core
/// computes and talks: 1.2 ns a byte of payload to send, receive and add up, and, with --delay, 3 a
/// value for the copies of which a round consists then.
///
/// Beyond 512 workers a worker has as many neighbours as with 512, but on the exponential graph,
/// where their number is log2 M.
///
/// @throws UsageError if a number is out of range, or as check().
StepTime step_time(const RunConfig& config, const Network& network, const LocalStep& local,
                   const Link& link);

/// The shortest constant period with which this method communicates for at most that share of the
/// time that it computes; nothing for a method that has no period.
std::optional<int64_t> period_for_share(const RunConfig& config, const Network& network,
                                        const LocalStep& local, const Link& link, double share);

/// The mean of the largest of `count` standard normals (Blom's approximation: within 5 %, from 10
/// on within 1 %).
double largest_normal(int64_t count);

}  // namespace valley
