#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace valley {

/// How a worker ended.
struct WorkerExit {
  int rank = 0;
  pid_t pid = 0;
  int status = 0;  ///< exit status; meaningless if signal != 0
  int signal = 0;  ///< the signal that killed it, or 0

  bool failed() const { return signal != 0 || status != 0; }
  bool ended_with(int code) const { return signal == 0 && status == code; }
  std::string how() const;   ///< "died with signal 9 (Killed)"
  std::string text() const;  ///< "worker 2 (pid 4711) died with signal 9 (Killed)"
};

/// A signal that the workers got from whoever started them.
struct SignalPassedOn {
  int signal = 0;

  std::string text() const;  ///< "signal 2 (Interrupt) passed on to the workers"
};

/// A worker was started in place of one that died, or will not be, having died too often.
struct WorkerReplaced {
  int rank = 0;
  pid_t pid = 0;  ///< of the new one; 0: none

  std::string text() const;
};

/// A worker did not answer when the others formed a new group, and was killed.
struct WorkerSilent {
  int rank = 0;
  pid_t pid = 0;
  double seconds = 0;

  std::string text() const;
};

/// Somebody came to the workers' store without their token.
struct StrangerRefused {
  std::string from;  ///< an address

  std::string text() const;
};

/// Something became of a launcher on another machine, or of the way to it.
struct SiteNews {
  std::string what;

  std::string text() const { return what; }
};

/// What happens while workers run. A worker's end is one only if it failed.
using LaunchEvent = std::variant<WorkerExit, SignalPassedOn, WorkerReplaced, WorkerSilent,
                                 StrangerRefused, SiteNews>;

/// A line for the person.
std::string text(const LaunchEvent& event);

/// How workers that die are done without, and replaced.
struct ElasticLaunch {
  int min_workers = 1;           ///< with fewer the others end
  double timeout_seconds = 300;  ///< until who is silent is killed, and until fewer end
  int replacements = 20;         ///< of each worker
};

/// One of several launchers of a job, each with workers of its own machine, as many on all.
struct LaunchSite {
  int number = 0;  ///< the first, 0, has the store
  int count = 1;
  std::string address;  ///< where the first is reached by all
  int port = 0;
};

struct LaunchOptions {
  int workers = 1;                   ///< of this machine
  std::vector<std::string> command;  ///< program (found through PATH) and arguments
  double grace_seconds = 60;         ///< once a worker failed, for the others to notice and end
  double kill_seconds = 5;           ///< then from SIGTERM to SIGKILL
  std::optional<ElasticLaunch> elastic = {};
  std::optional<LaunchSite> site = {};  ///< of elastic workers
  /// The first launcher says it to the others, whose command is made of it.
  std::string word = {};
  std::function<std::vector<std::string>(const std::string& word)> command_of = {};
  std::string token = {};  ///< given to the workers, see JoinOptions::token

  /// Told at once of what happens: a worker that failed, or a signal passed on. A stranger is told
  /// of from another thread.
  std::function<void(const LaunchEvent&)> on_event;
};

struct LaunchResult {
  std::vector<WorkerExit> workers;  ///< by rank
  int first_failed = -1;            ///< the rank that failed first, or -1
  bool interrupted = false;         ///< a signal was passed on to them

  /// 0 if all workers ended with 0, else the status of the one that failed first; 3 if a signal
  /// killed it.
  int exit_code() const;
};

/// Starts the workers as processes of this machine, with RANK, WORLD_SIZE, LOCAL_RANK,
/// MASTER_ADDR, MASTER_PORT (a store in this process, on a free port) and VALLEY_LAUNCHED, and
/// waits for them. See read_environment(). A token is theirs as VALLEY_TOKEN; the store, at the
/// loopback address alone then, asks for it.
///
/// When a worker fails, the others find its end in the store for their CommError, and have
/// grace_seconds to end by themselves; then come SIGTERM and, after kill_seconds, SIGKILL.
/// The first of kStopSignals is passed on to the workers, which is a start of the same clocks; a
/// second SIGINT or SIGTERM kills them (see StopWishes). Handlers are put back on return. What is
/// ignored here, SIGHUP under nohup or SIGPIPE, the workers ignore. If this process dies, the
/// kernel kills the workers. Call it from one thread at a time, and from one that lives as long.
///
/// **Elastic.** The workers know by VALLEY_WORKER, a number that none had before, that this process
/// gathers them (gathering.h). One that a signal killed is lost to its group alone: the others form
/// another, another process is started in its place, and is let in when the workers next commit.
/// Whoever does not answer in time is killed before a group is formed without it, so that it cannot
/// wake up later and write. This process, and the store in it, are what must not die.
///
/// **Sites.** With several launchers, one a machine, the first has the store, at address and port
/// that all reach, and gathers the workers of all; the others start, watch and kill theirs (see
/// valley/comm/sites.h). One that is not heard of for the timeout is done without, with all its
/// workers; it kills them when it hears that, or as soon as it does not reach the store for
/// seconds, and the exit code is 3. So of a net that falls apart the first one's part goes on. One
/// may come later, or again; the first group waits for all, no longer than the timeout. Without a
/// token the store asks for a word that everybody knows.
///
/// @throws UsageError if the command cannot be started; then no worker is left. CommError if the
/// store of another launcher is not found.
LaunchResult launch_processes(const LaunchOptions& options);

}  // namespace valley
