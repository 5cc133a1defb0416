#include "valley/core/cores.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>
#include <system_error>
#include <thread>

#include "valley/core/error.h"
#include "valley/core/numbers.h"

namespace valley {
namespace {

namespace fs = std::filesystem;

std::string first_line(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::string machine_name() {
  const std::string boot = first_line("/proc/sys/kernel/random/boot_id");
  if (!boot.empty()) return boot;
  char name[256] = {};
  gethostname(name, sizeof(name) - 1);
  return name;
}

std::vector<int> affinity() {
  std::vector<int> cores;
  // The kernel wants a mask as large as its own, which no constant tells.
  for (int size = 1024; size <= 1 << 20; size *= 4) {
    cpu_set_t* mask = CPU_ALLOC(size);
    if (mask == nullptr) break;
    const size_t bytes = CPU_ALLOC_SIZE(size);
    const bool known = sched_getaffinity(0, bytes, mask) == 0;
    for (int core = 0; known && core < size; ++core) {
      if (CPU_ISSET_S(core, bytes, mask)) cores.push_back(core);
    }
    CPU_FREE(mask);
    if (known) break;
  }
  if (cores.empty()) {
    for (unsigned core = 0; core < std::max(1u, std::thread::hardware_concurrency()); ++core) {
      cores.push_back(static_cast<int>(core));
    }
  }
  return cores;
}

// "200000 100000" or "max 100000".
std::optional<double> quota_of_version_2(const fs::path& folder) {
  double quota = 0, period = 0;
  std::istringstream line(first_line(folder / "cpu.max"));
  if (!(line >> quota >> period) || quota <= 0 || period <= 0) return std::nullopt;
  return quota / period;
}

std::optional<double> quota_of_version_1(const fs::path& folder) {
  double quota = 0, period = 0;
  std::istringstream first(first_line(folder / "cpu.cfs_quota_us"));
  std::istringstream second(first_line(folder / "cpu.cfs_period_us"));
  if (!(first >> quota) || !(second >> period) || quota <= 0 || period <= 0) return std::nullopt;
  return quota / period;
}

bool lists(std::string_view controllers, std::string_view name) {
  while (true) {
    const size_t comma = controllers.find(',');
    if (controllers.substr(0, comma) == name) return true;
    if (comma == std::string_view::npos) return false;
    controllers.remove_prefix(comma + 1);
  }
}

// 0 if it is not set or makes no sense; of "4,2" the first counts.
int positive(const std::function<const char*(const char*)>& getenv, const char* name) {
  const char* text = getenv(name);
  if (text == nullptr) return 0;
  const std::string_view value(text);
  const auto number = parse_number<int64_t>(value.substr(0, value.find(',')));
  return number && *number > 0 && *number <= 1 << 20 ? static_cast<int>(*number) : 0;
}

// Slurm numbers what is no step of tasks (batch script, interactive shell) from the end.
bool in_slurm_step(const std::function<const char*(const char*)>& getenv) {
  const char* text = getenv("SLURM_STEP_ID");
  if (text == nullptr) return false;
  const auto id = parse_number<int64_t>(std::string_view(text));
  return id && *id < 0xfffffff0;
}

}  // namespace

CpuQuota read_cpu_quota(const fs::path& root) {
  CpuQuota tightest;
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool version_2 = controllers.empty();
    if (!version_2 && !lists(controllers, "cpu")) continue;
    fs::path mount = root / "sys/fs/cgroup";
    if (!version_2) mount /= fs::exists(mount / controllers) ? controllers : "cpu";
    // Limits of the groups above count as well. A path that a container does not see leads up to
    // its own root.
    fs::path group = fs::path(line.substr(second + 1)).relative_path();
    while (true) {
      const auto cores =
          version_2 ? quota_of_version_2(mount / group) : quota_of_version_1(mount / group);
      if (cores && (tightest.cores == 0 || *cores < tightest.cores)) {
        tightest = {*cores, controllers + ":/" + group.string()};
      }
      if (group.empty()) break;
      group = group.parent_path();
    }
  }
  return tightest;
}

CoreView view_of_cores(const std::function<const char*(const char*)>& getenv) {
  CoreView view;
  view.machine = machine_name();
  view.cores = affinity();
  const CpuQuota quota = read_cpu_quota("/");
  view.quota = quota.cores;
  // Containers call their own group the same.
  std::error_code ignored;
  if (quota.cores > 0)
    view.group = fs::read_symlink("/proc/self/ns/cgroup", ignored).string() + quota.group;
  if (in_slurm_step(getenv)) {
    const int task = positive(getenv, "SLURM_CPUS_PER_TASK");
    if (task > 0)
      view.limit = std::max(1, task / std::max(1, positive(getenv, "LOCAL_WORLD_SIZE")));
  }
  view.wanted = positive(getenv, "OMP_NUM_THREADS");
  return view;
}

std::string to_text(const CoreView& view) {
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}", view.machine, fmt::join(view.cores, " "), view.quota,
                     view.group, view.limit, view.wanted);
}

CoreView core_view_from(const std::string& text) {
  CoreView view;
  std::istringstream lines(text);
  std::string cores, quota, limits;
  std::getline(lines, view.machine);
  std::getline(lines, cores);
  std::getline(lines, quota);
  std::getline(lines, view.group);
  lines >> view.limit >> view.wanted;
  const auto number = parse_number<double>(quota);
  require(!lines.fail() && number.has_value(), "no view of cores: '{}'", text);
  view.quota = *number;
  std::istringstream list(cores);
  for (int core = 0; list >> core;) view.cores.push_back(core);
  return view;
}

int share_of_cores(size_t who, const std::vector<CoreView>& all) {
  const CoreView& own = all.at(who);
  if (own.wanted > 0) return own.wanted;
  double share = 0;
  for (const int core : own.cores) {
    share += 1.0 / double(std::count_if(all.begin(), all.end(), [&](const CoreView& other) {
               return other.machine == own.machine &&
                      std::find(other.cores.begin(), other.cores.end(), core) != other.cores.end();
             }));
  }
  if (own.quota > 0) {
    share = std::min(
        share, own.quota / double(std::count_if(all.begin(), all.end(), [&](const auto& other) {
                 return other.machine == own.machine && other.quota > 0 && other.group == own.group;
               })));
  }
  if (own.limit > 0) share = std::min(share, double(own.limit));
  return std::max(1, static_cast<int>(std::floor(share + 1e-9)));
}

int usable_cores() {
  CoreView own = view_of_cores([](const char* name) -> const char* { return std::getenv(name); });
  own.wanted = 0;
  return share_of_cores(0, {own});
}

}  // namespace valley
