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
#include "valley/comm/sites.h"
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

constexpr const char* kSitesJob = "sites/job";
constexpr const char* kSitesWord = "sites/word";

// Of the store that launchers on several machines share: Valley's own, which does not wait for ever
// on a network that is cut. It asks for a token.
constexpr const char* kNoSecret = "no secret: anybody may come";

LaunchSite site_of(const LaunchOptions& options) {
  return options.site.value_or(LaunchSite{.address = "127.0.0.1"});
}

std::vector<std::string> worker_environment(int rank, const LaunchOptions& options, int port,
                                            const std::string& job, int id) {
  const LaunchSite site = site_of(options);
  std::vector<std::pair<std::string, std::string>> own = {
      {"RANK", std::to_string(site.number * options.workers + rank)},
      {"WORLD_SIZE", std::to_string(site.count * options.workers)},
      {"LOCAL_RANK", std::to_string(rank)},
      {"LOCAL_WORLD_SIZE", std::to_string(options.workers)},
      {"MASTER_ADDR", site.address},
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
  /// `job`: they know each other by it.
  Workers(const LaunchOptions& options, int port, std::string job)
      : options_(options), port_(port), job_(std::move(job)) {}

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
  // `id`: what tells it from all others, where somebody must; -1: nobody. Returns its index.
  int start(int rank, int id) {
    const int index = static_cast<int>(exits_.size());
    std::vector<std::string> command = options_.command;
    std::vector<std::string> environment = worker_environment(rank, options_, port_, job_, id);
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
    return index;
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

  void kill_one(int index) const {
    if (!ended_[static_cast<size_t>(index)]) kill((*this)[index].pid, SIGKILL);
  }

  int running() const { return running_; }
  const WorkerExit& operator[](int index) const { return exits_[static_cast<size_t>(index)]; }

  // By rank, of several the last.
  std::vector<WorkerExit> exits() const {
    std::vector<WorkerExit> last(static_cast<size_t>(options_.workers));
    for (const WorkerExit& exit : exits_) last[static_cast<size_t>(exit.rank)] = exit;
    return last;
  }

 private:
  const LaunchOptions& options_;
  const int port_;
  const std::string job_;
  std::vector<WorkerExit> exits_;  // in the order of their start
  std::vector<bool> ended_;
  int running_ = 0;
};

using Tell = std::function<void(const LaunchEvent&)>;

// Workers that are lost to their group alone, and replaced. Those of all sites are gathered by the
// first.
class Elastic {
 public:
  Elastic(const LaunchOptions& options, Workers& workers, const TcpStore& store, const Tell& tell)
      : options_(*options.elastic), workers_(workers), store_(*store.store), tell_(tell) {
    const LaunchSite site = site_of(options);
    several_ = options.site.has_value();
    if (site.number > 0) {
      site_.emplace(store.store, site.number);
      return;
    }
    gatherer_.emplace(store.store, options_.min_workers, options_.timeout_seconds);
    if (site.count == 1) return;
    gatherer_->expect(site.count * options.workers);
    sites_.emplace(store.store, site.count, options_.timeout_seconds);
  }

  pid_t start(int rank) {
    const int id = several_ ? claim_worker(store_) : static_cast<int>(ids_.size());
    const int index = workers_.start(rank, id);
    ids_.push_back(id);
    site_ ? site_->started(id) : gatherer_->started(id);
    return workers_[index].pid;
  }

  // Whether nothing else comes of it; `replace`: not while all are to end.
  bool ended(int index, bool replace) {
    const WorkerExit exit = workers_[index];
    const int id = ids_[static_cast<size_t>(index)];
    site_ ? site_->ended(id, exit.how(), !exit.failed())
          : gatherer_->ended(id, exit.how(), !exit.failed());
    if (exit.signal == 0) return false;
    if (!replace || over()) return true;
    if (!silent_.contains(index)) tell_(exit);
    WorkerReplaced news{exit.rank, 0};
    if (replaced_[exit.rank]++ < options_.replacements) news.pid = start(exit.rank);
    tell_(news);
    return true;
  }

  void look() {
    if (site_) {
      for (const int id : site_->look()) kill(id);
      if (site_->lost() && !std::exchange(told_, true)) {
        tell_(SiteNews{"this machine was not heard of in time: the others go on without it"});
        workers_.signal_all(SIGKILL);
      }
      return;
    }
    if (sites_)
      for (const std::string& line : sites_->look(*gatherer_)) tell_(SiteNews{line});
    for (const int id : gatherer_->look()) {
      if (sites_ && sites_->has(id)) {
        sites_->kill(id);
      } else {
        kill(id);
      }
    }
    if (sites_ && gatherer_->finished()) sites_->over();
  }

  // Of other machines, which need the store.
  bool others_run() const { return sites_ && sites_->any(); }

 private:
  bool over() const { return site_ ? site_->over() || site_->lost() : gatherer_->finished(); }

  void kill(int id) {
    const auto found = std::find(ids_.begin(), ids_.end(), id);
    if (found == ids_.end()) return;
    const int index = static_cast<int>(found - ids_.begin());
    silent_.insert(index);
    workers_.kill_one(index);
    if (!over())
      tell_(WorkerSilent{workers_[index].rank, workers_[index].pid, options_.timeout_seconds});
  }

  const ElasticLaunch& options_;
  Workers& workers_;
  Store& store_;
  const Tell& tell_;
  bool several_ = false, told_ = false;
  std::optional<Gatherer> gatherer_;  // the first's
  std::optional<Sites> sites_;        // where it has others
  std::optional<Site> site_;          // another's
  std::vector<int> ids_;              // by index
  std::set<int> silent_;              // indices
  std::map<int, int> replaced_;       // by rank, how often
};

TcpStore open_store(const LaunchOptions& options, const Tell& tell) {
  const LaunchSite site = site_of(options);
  return open_tcp_store(
      {.address = site.address,
       .port = site.port,
       .server = site.number == 0,
       .timeout_seconds = options.elastic ? options.elastic->timeout_seconds : 300,
       .token = options.token,
       .only_here = !options.site,
       .on_refused = [&tell](const std::string& from) { tell(StrangerRefused{from}); }});
}

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

LaunchResult launch_processes(const LaunchOptions& given) {
  LaunchOptions options = given;
  require(options.workers >= 1, "workers must be at least 1, got {}", options.workers);
  const Tell tell = [&](const LaunchEvent& event) {
    if (options.on_event) options.on_event(event);
  };

  if (options.site && options.token.empty()) options.token = kNoSecret;
  const TcpStore store = open_store(options, tell);
  std::string job = fresh_token();
  if (options.site) job = store.store->set_if_absent(kSitesJob, job);
  const bool first = site_of(options).number == 0;
  if (!first) {
    const double seconds = options.elastic->timeout_seconds;
    if (!store.store->wait(kSitesWord, seconds))
      throw CommError(fmt::format("the first launcher has not begun within {} s", seconds));
    options.command = options.command_of(store.store->get(kSitesWord).value());
  }
  require(!options.command.empty(), "the command to launch is empty");
  const SignalWatch watch;
  Workers workers(options, store.port, job);
  std::optional<Elastic> elastic;
  if (options.elastic) elastic.emplace(options, workers, store, tell);
  for (int rank = 0; rank < options.workers; ++rank) {
    if (elastic) {
      elastic->start(rank);
    } else {
      workers.start(rank, -1);
    }
  }
  if (options.site && first) store.store->set(kSitesWord, options.word);

  LaunchResult result;
  double terminate_at = -1;  // < 0: all is well
  double kill_at = -1;
  const auto end_after = [&](double seconds) {
    if (terminate_at < 0) terminate_at = now_seconds() + seconds;
  };
  bool cut_off = false;
  // Another launcher's store: beyond it the others may go on without these.
  const auto or_cut_off = [&](const auto& talk) {
    if (cut_off) return;
    try {
      talk();
    } catch (const CommError& error) {
      if (first) throw;
      cut_off = true;
      if (workers.running() > 0)
        tell(SiteNews{fmt::format("{}: the workers of this machine are ended", error.what())});
      workers.signal_all(SIGKILL);
    }
  };
  const auto others_need_the_store = [&] {
    return elastic && elastic->others_run() && !at_once &&
           (terminate_at < 0 || now_seconds() < terminate_at);
  };
  while (workers.running() > 0 || others_need_the_store()) {
    for (const int index : workers.reap()) {
      bool settled = cut_off;
      if (elastic) or_cut_off([&] { settled = elastic->ended(index, terminate_at < 0); });
      if (settled) continue;
      const WorkerExit& ended = workers[index];
      if (!ended.failed()) continue;
      if (result.first_failed < 0) result.first_failed = ended.rank;
      if (first) store.store->set("exit/" + std::to_string(ended.rank), ended.how());
      end_after(options.grace_seconds);
      tell(ended);
    }
    if (elastic) or_cut_off([&] { elastic->look(); });
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
