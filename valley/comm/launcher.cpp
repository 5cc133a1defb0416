#include "valley/comm/launcher.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <iterator>
#include <string_view>
#include <thread>

#include "valley/comm/meeting.h"
#include "valley/comm/store.h"
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

std::vector<std::string> worker_environment(int rank, int workers, int port,
                                            const std::string& token) {
  const std::vector<std::pair<std::string, std::string>> own = {
      {"RANK", std::to_string(rank)},       {"WORLD_SIZE", std::to_string(workers)},
      {"LOCAL_RANK", std::to_string(rank)}, {"LOCAL_WORLD_SIZE", std::to_string(workers)},
      {"MASTER_ADDR", "127.0.0.1"},         {"MASTER_PORT", std::to_string(port)},
      {"VALLEY_LAUNCHED", token},
  };
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
  void start(int rank, int port) {
    std::vector<std::string> command = options_.command;
    std::vector<std::string> environment = worker_environment(rank, options_.workers, port, token_);
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
  }

  // Collects who has ended. Returns them.
  std::vector<WorkerExit> reap() {
    std::vector<WorkerExit> news;
    for (size_t i = 0; i < exits_.size(); ++i) {
      int status = 0;
      if (ended_[i] || waitpid(exits_[i].pid, &status, WNOHANG) != exits_[i].pid) continue;
      ended_[i] = true;
      --running_;
      if (WIFSIGNALED(status)) exits_[i].signal = WTERMSIG(status);
      if (WIFEXITED(status)) exits_[i].status = WEXITSTATUS(status);
      news.push_back(exits_[i]);
    }
    return news;
  }

  void signal_all(int number) const {
    for (size_t i = 0; i < exits_.size(); ++i) {
      if (!ended_[i]) kill(exits_[i].pid, number);
    }
  }

  static void pause() { std::this_thread::sleep_for(std::chrono::milliseconds(10)); }

  int running() const { return running_; }
  const std::vector<WorkerExit>& exits() const { return exits_; }

 private:
  const LaunchOptions& options_;
  const std::string token_ = fresh_token();  // the workers know each other by it
  std::vector<WorkerExit> exits_;            // by rank
  std::vector<bool> ended_;
  int running_ = 0;
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
  const auto tell = [&](const LaunchEvent& event) {
    if (options.on_event) options.on_event(event);
  };

  const TcpStore store = open_tcp_store({.port = 0, .server = true});
  const SignalWatch watch;
  Workers workers(options);
  for (int rank = 0; rank < options.workers; ++rank) workers.start(rank, store.port);

  LaunchResult result;
  double terminate_at = -1;  // < 0: all is well
  double kill_at = -1;
  const auto end_after = [&](double seconds) {
    if (terminate_at < 0) terminate_at = now_seconds() + seconds;
  };
  while (workers.running() > 0) {
    for (const WorkerExit& ended : workers.reap()) {
      if (!ended.failed()) continue;
      if (result.first_failed < 0) result.first_failed = ended.rank;
      store.store->set("exit/" + std::to_string(ended.rank), ended.how());
      end_after(options.grace_seconds);
      tell(ended);
    }
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
  return result;
}

}  // namespace valley
