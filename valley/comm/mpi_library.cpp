#include "valley/comm/mpi_library.h"

#include <dlfcn.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <stdexcept>
#include <thread>
#include <vector>

#include "valley/core/clock.h"
#include "valley/core/error.h"

namespace valley {
namespace {

namespace fs = std::filesystem;

constexpr double kDisorderlySeconds = 1;  // for MPI_Finalize, after a failure
constexpr double kCancelSeconds = 1;

// Where the module may lie: beside the program, beside the library that has this code, or where it
// was installed.
std::vector<fs::path> module_files() {
  constexpr const char* kName = "valley-mpi.so";
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  Dl_info self{};
  dladdr(reinterpret_cast<const void*>(&module_files), &self);
  const fs::path library = self.dli_fname ? self.dli_fname : "";
  return {program.parent_path() / kName, library.parent_path() / kName,
          fs::path(VALLEY_MPI_FOLDER) / kName};
}

// Its symbols are for all: those of libmpi, which it links, are wanted by the plugins of Open MPI.
const MpiModule& load_module() {
  std::error_code ignored;
  fs::path file = module_files().front();
  for (const fs::path& candidate : module_files()) {
    if (!fs::exists(candidate, ignored)) continue;
    file = candidate;
    break;
  }
  void* const library = dlopen(file.c_str(), RTLD_NOW | RTLD_GLOBAL);
  const char* const why = library ? nullptr : dlerror();
  require(library != nullptr, "{} mpi cannot be loaded: {}", Key{"backend"}, why ? why : "");
  const void* const table = dlsym(library, kMpiModule);
  require(table != nullptr, "{} mpi cannot be loaded: {} is of another version of valley",
          Key{"backend"}, file.string());
  return *static_cast<const MpiModule*>(table);
}

}  // namespace

// It outlives all that could be destroyed when the process exits.
struct MpiLibrary::Thread {
  std::mutex mutex;
  std::condition_variable changed;
  bool started = false, ending = false, ended = false;
  int error = 0;
  MpiModule::World world;

  void run(const MpiModule& module) {
    MpiModule::World found;
    const int failed = module.initialize(&found);
    std::unique_lock lock(mutex);
    world = found;
    error = failed;
    started = true;
    changed.notify_all();
    changed.wait(lock, [&] { return ending; });
    lock.unlock();
    if (failed == 0) module.finalize();
    lock.lock();
    ended = true;
    changed.notify_all();
  }

  bool wait(const bool& flag, double seconds) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::duration<double>(seconds), [&] { return flag; });
  }
};

MpiLibrary& MpiLibrary::start(double timeout_seconds) {
  static std::mutex mutex;
  static MpiLibrary* library = nullptr;
  const std::lock_guard lock(mutex);
  if (library == nullptr) {
    library = new MpiLibrary(load_module(), timeout_seconds);
    library->initialize();
  }
  library->check(library->thread_.error);
  return *library;
}

MpiLibrary::MpiLibrary(const MpiModule& module, double timeout_seconds)
    : module_(module), timeout_seconds_(timeout_seconds), thread_(*new Thread) {}

void MpiLibrary::initialize() {
  on_exit([](int status, void* self) { static_cast<MpiLibrary*>(self)->finish(status); }, this);
  const double start = now_seconds();
  std::thread([module = &module_, thread = &thread_] { thread->run(*module); }).detach();
  if (!thread_.wait(thread_.started, timeout_seconds_)) {
    throw CommError(
        fmt::format("MPI_Init has not returned within {:.1f} s: some workers have not "
                    "come to it",
                    now_seconds() - start));
  }
  world_ = thread_.world;
  check(thread_.error);
  require(world_.takes_threads,
          "{} mpi needs MPI_THREAD_SERIALIZED, and this program has initialised MPI with less",
          Key{"backend"});
}

// Runs when the process exits. Others may be elsewhere for good.
void MpiLibrary::finish(int status) {
  if (thread_.wait(thread_.started, 0) && !closed_) {
    {
      const std::lock_guard lock(thread_.mutex);
      thread_.ending = true;
    }
    thread_.changed.notify_all();
    if (thread_.wait(thread_.ended, orderly_ ? timeout_seconds_ : kDisorderlySeconds)) return;
  }
  // A thread may be inside MPI: what it uses is not destroyed.
  std::cout.flush();
  std::cerr.flush();
  std::fflush(nullptr);
  _exit(status);
}

std::string MpiLibrary::name() const {
  const std::string whole = world_.library;
  return whole.substr(0, whole.find_first_of(",\n"));
}

void MpiLibrary::check(int error) {
  if (error == 0) return;
  char text[256] = {};
  module_.describe_error(error, text, sizeof(text));
  throw std::runtime_error(text);
}

std::unique_lock<std::mutex> MpiLibrary::enter() {
  std::unique_lock lock(mutex_);
  if (closed_) throw std::runtime_error("MPI was left in the midst of a message");
  return lock;
}

MpiLibrary::Request MpiLibrary::send(const void* data, int bytes, int to, int tag) {
  const auto lock = enter();
  Request request = 0;
  check(module_.send(data, bytes, to, tag, &request));
  return request;
}

MpiLibrary::Request MpiLibrary::receive(void* data, int bytes, int from, int tag) {
  const auto lock = enter();
  Request request = 0;
  check(module_.receive(data, bytes, from, tag, &request));
  return request;
}

bool MpiLibrary::test(Request& request) {
  const auto lock = enter();
  bool done = false;
  check(module_.test(&request, &done));
  return done;
}

int MpiLibrary::take(void* data, int bytes, int tag) {
  const auto lock = enter();
  int from = -1;
  check(module_.take(data, bytes, tag, &from));
  return from;
}

void MpiLibrary::forget_send(Request request) noexcept {
  const std::lock_guard lock(mutex_);
  bool done = false;
  if (closed_ || module_.test(&request, &done) != 0 || done) return;
  module_.free_send(&request);
}

// One that is not matched yet is cancelled at once. Of one whose message is half here the rest is
// waited for a while.
void MpiLibrary::forget_receive(Request request) noexcept {
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  module_.cancel(&request);
  bool done = false;
  const double start = now_seconds();
  do {
    if (module_.test(&request, &done) != 0) break;
  } while (!done && now_seconds() - start < kCancelSeconds);
  if (!done) closed_ = true;
}

}  // namespace valley
