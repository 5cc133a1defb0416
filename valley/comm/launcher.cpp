#include "valley/comm/launcher.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <iterator>
#include <map>
#include <set>
#include <string_view>
#include <thread>

#include "valley/comm/gathering.h"
#include "valley/comm/meeting.h"
#include "valley/comm/meeting_place.h"
#include "valley/comm/store.h"
#include "valley/comm/token.h"
#include "valley/core/clock.h"
#include "valley/core/error.h"
#include "valley/core/stop_signals.h"

extern char** environ;

namespace valley {
namespace {

std::atomic<StopWishes*> wishes{nullptr};
std::atomic<int> to_pass_on{0};  // the first signal
std::atomic<bool> at_once{false};

void on_signal(int number, siginfo_t* info, void*) {
  StopWishes* const listening = wishes;
  if (listening == nullptr) return;
  switch (listening->hear(number, info->si_code == SI_KERNEL, now_seconds())) {
    case StopWish::kSave:
      to_pass_on = number;
      break;
    case StopWish::kAtOnce:
      at_once = true;
      break;
    case StopWish::kNoMore:
      break;
  }
}

// The signals that ask to end are heard while this lives.
class SignalWatch {
 public:
  SignalWatch() {
    to_pass_on = 0;
    at_once = false;
    wishes = &wishes_;
    install_stop_handler(on_signal, former_);
  }
  ~SignalWatch() {
    restore_stop_handlers(former_);
    wishes = nullptr;
  }
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  StopWishes wishes_;
  struct sigaction former_[std::size(kStopSignals)];
};

std::vector<std::string> worker_environment(int rank, const LaunchOptions& options, int port,
                                            const std::string& job, int id) {
  const int workers = options.workers;
  std::vector<std::pair<std::string, std::string>> own = {
      {"RANK", std::to_string(rank)},
      {"WORLD_SIZE", std::to_string(workers)},
      {"LOCAL_RANK", std::to_string(rank)},
      {"LOCAL_WORLD_SIZE", std::to_string(workers)},
      {"MASTER_ADDR", "127.0.0.1"},
      {"MASTER_PORT", std::to_string(port)},
      {"VALLEY_LAUNCHED", job},
  };
  if (!options.token.empty()) own.emplace_back(kTokenVariable, options.token);
  if (id >= 0) own.emplace_back("VALLEY_WORKER", std::to_string(id));
  std::vector<std::string> result;
  for (char** entry = environ; *entry; ++entry) {
    const std::string_view text(*entry);
    const std::string_view name = text.substr(0, text.find('='));
    bool replaced = false;
    for (const auto& [key, value] : own) replaced = replaced || key == name;
    if (!replaced) result.emplace_back(text);
  }
  for (const auto& [key, value] : own) result.push_back(key + "=" + value);
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

class Workers {
 public:
  explicit Workers(const LaunchOptions& options) : options_(options) {}

  ~Workers() {
    signal_all(SIGKILL);
    while (running_ > 0) {
      reap();
      pause();
    }
  }

  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // Between fork and exec only what is allowed in a child of a process with threads: no
  // allocation, no locks.
  // Returns what tells it from all others.
  int start(int rank, int port) {
    const int id = static_cast<int>(exits_.size());
    std::vector<std::string> command = options_.command;
    std::vector<std::string> environment =
        worker_environment(rank, options_, port, job_, options_.elastic ? id : -1);
    const std::vector<char*> argv = pointers(command), envp = pointers(environment);
    int broken[2];  // carries errno if exec fails, and closes if it does not
    if (pipe2(broken, O_CLOEXEC) != 0) {
      throw IoError(fmt::format("cannot start worker {}: {}", rank, std::strerror(errno)));
    }
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid == 0) {
      setpgid(0, 0);  // a terminal's Ctrl-C comes through the launcher, not twice
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != parent) _exit(127);
      signal(SIGINT, SIG_DFL);
      signal(SIGTERM, SIG_DFL);
      execvpe(argv[0], argv.data(), envp.data());
      const int error = errno;
      [[maybe_unused]] const auto written = write(broken[1], &error, sizeof(error));
      _exit(127);
    }
    const int fork_error = errno;
    close(broken[1]);
    int error = pid < 0 ? fork_error : 0;
    if (pid > 0) {
      while (read(broken[0], &error, sizeof(error)) < 0 && errno == EINTR) {
      }
      exits_.push_back({.rank = rank, .pid = pid});
      ended_.push_back(false);
      ++running_;
    }
    close(broken[0]);
    require(error == 0, "cannot start '{}': {}", options_.command[0], std::strerror(error));
    return id;
  }

  // Collects who has ended. Returns them.
  std::vector<int> reap() {
    std::vector<int> news;
    for (size_t i = 0; i < exits_.size(); ++i) {
      int status = 0;
      if (ended_[i] || waitpid(exits_[i].pid, &status, WNOHANG) != exits_[i].pid) continue;
      ended_[i] = true;
      --running_;
      if (WIFSIGNALED(status)) exits_[i].signal = WTERMSIG(status);
      if (WIFEXITED(status)) exits_[i].status = WEXITSTATUS(status);
      news.push_back(static_cast<int>(i));
    }
    return news;
  }

  void signal_all(int number) const {
    for (size_t i = 0; i < exits_.size(); ++i) {
      if (!ended_[i]) kill(exits_[i].pid, number);
    }
  }

  static void pause() { std::this_thread::sleep_for(std::chrono::milliseconds(10)); }

  void kill_one(int id) const {
    if (!ended_[static_cast<size_t>(id)]) kill((*this)[id].pid, SIGKILL);
  }

  int running() const { return running_; }
  const WorkerExit& operator[](int id) const { return exits_[static_cast<size_t>(id)]; }

  // By rank, of several the last.
  std::vector<WorkerExit> exits() const {
    std::vector<WorkerExit> last(static_cast<size_t>(options_.workers));
    for (const WorkerExit& exit : exits_) last[static_cast<size_t>(exit.rank)] = exit;
    return last;
  }

 private:
  const LaunchOptions& options_;
  const std::string job_ = fresh_token();  // the workers know each other by it
  std::vector<WorkerExit> exits_;          // by id; of the first ones that is the rank
  std::vector<bool> ended_;
  int running_ = 0;
};

using Tell = std::function<void(const LaunchEvent&)>;

// Workers that are lost to their group alone, and replaced.
class Elastic {
 public:
  Elastic(const ElasticLaunch& options, Workers& workers, const TcpStore& store, const Tell& tell)
      : options_(options),
        workers_(workers),
        port_(store.port),
        tell_(tell),
        gatherer_(store.store, options.min_workers, options.timeout_seconds) {}

  void started(int id) { gatherer_.started(id); }

  // Whether nothing else comes of it; `replace`: not while all are to end.
  bool ended(int id, bool replace) {
    const WorkerExit exit = workers_[id];
    gatherer_.ended(id, exit.how(), !exit.failed());
    if (exit.signal == 0) return false;
    if (!replace || gatherer_.finished()) return true;
    if (!silent_.contains(id)) tell_(exit);
    WorkerReplaced news{exit.rank, 0};
    if (replaced_[exit.rank]++ < options_.replacements) {
      const int next = workers_.start(exit.rank, port_);
      gatherer_.started(next);
      news.pid = workers_[next].pid;
    }
    tell_(news);
    return true;
  }

  void look() {
    for (const int id : gatherer_.look()) {
      silent_.insert(id);
      workers_.kill_one(id);
      if (!gatherer_.finished())
        tell_(WorkerSilent{workers_[id].rank, workers_[id].pid, options_.timeout_seconds});
    }
  }

 private:
  const ElasticLaunch& options_;
  Workers& workers_;
  const int port_;
  const Tell& tell_;
  Gatherer gatherer_;
  std::set<int> silent_;
  std::map<int, int> replaced_;  // by rank, how often
};

}  // namespace

std::string WorkerExit::how() const {
  if (signal != 0) return fmt::format("died with signal {} ({})", signal, strsignal(signal));
  if (status != 0) return fmt::format("exited with status {}", status);
  return "finished";
}

std::string WorkerExit::text() const {
  return fmt::format("worker {} (pid {}) {}", rank, pid, how());
}

std::string SignalPassedOn::text() const {
  return fmt::format("signal {} ({}) passed on to the workers", signal, strsignal(signal));
}

std::string WorkerReplaced::text() const {
  return pid > 0 ? fmt::format("worker {} starts again (pid {})", rank, pid)
                 : fmt::format("worker {} has died too often and is not started again", rank);
}

std::string WorkerSilent::text() const {
  return fmt::format("worker {} (pid {}) was silent for {:.0f} s and is killed", rank, pid,
                     seconds);
}

std::string StrangerRefused::text() const { return refused_text(from); }

std::string text(const LaunchEvent& event) {
  return std::visit([](const auto& what) { return what.text(); }, event);
}

int LaunchResult::exit_code() const {
  if (first_failed < 0) return 0;
  const WorkerExit& first = workers[static_cast<size_t>(first_failed)];
  return first.signal != 0 ? 3 : first.status;
}

LaunchResult launch_processes(const LaunchOptions& options) {
  require(options.workers >= 1, "workers must be at least 1, got {}", options.workers);
  require(!options.command.empty(), "the command to launch is empty");
  const Tell tell = [&](const LaunchEvent& event) {
    if (options.on_event) options.on_event(event);
  };

  const TcpStore store =
      open_tcp_store({.port = 0,
                      .server = true,
                      .token = options.token,
                      .only_here = true,
                      .on_refused = [&](const std::string& from) { tell(StrangerRefused{from}); }});
  const SignalWatch watch;
  Workers workers(options);
  std::optional<Elastic> elastic;
  if (options.elastic) elastic.emplace(*options.elastic, workers, store, tell);
  for (int rank = 0; rank < options.workers; ++rank) {
    const int id = workers.start(rank, store.port);
    if (elastic) elastic->started(id);
  }

  LaunchResult result;
  double terminate_at = -1;  // < 0: all is well
  double kill_at = -1;
  const auto end_after = [&](double seconds) {
    if (terminate_at < 0) terminate_at = now_seconds() + seconds;
  };
  while (workers.running() > 0) {
    for (const int id : workers.reap()) {
      if (elastic && elastic->ended(id, terminate_at < 0)) continue;
      const WorkerExit& ended = workers[id];
      if (!ended.failed()) continue;
      if (result.first_failed < 0) result.first_failed = ended.rank;
      store.store->set("exit/" + std::to_string(ended.rank), ended.how());
      end_after(options.grace_seconds);
      tell(ended);
    }
    if (elastic) elastic->look();
    // Telling comes last: nobody may be there to be told.
    if (const int number = to_pass_on; number != 0 && !result.interrupted) {
      result.interrupted = true;
      workers.signal_all(number);
      end_after(options.grace_seconds);
      tell(SignalPassedOn{number});
    }
    if (at_once) workers.signal_all(SIGKILL);
    if (terminate_at >= 0 && kill_at < 0 && now_seconds() >= terminate_at) {
      workers.signal_all(SIGTERM);
      kill_at = now_seconds() + options.kill_seconds;
    }
    if (kill_at >= 0 && now_seconds() >= kill_at) workers.signal_all(SIGKILL);
    Workers::pause();
  }
  result.workers = workers.exits();
  // Where all were killed, and none is left to be replaced.
  for (size_t rank = 0; rank < result.workers.size() && result.first_failed < 0; ++rank) {
    const bool any = std::any_of(result.workers.begin(), result.workers.end(),
                                 [](const WorkerExit& exit) { return !exit.failed(); });
    if (!any) result.first_failed = static_cast<int>(rank);
  }
  return result;
}

}  // namespace valley
