#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

/// How many cores a process may compute on: as many as its machine has are a guess that containers,
/// schedulers and neighbours prove wrong.
namespace valley {

/// What one process sees of its machine.
struct CoreView {
  std::string machine;     ///< the same for all processes of a running kernel
  std::vector<int> cores;  ///< its CPU affinity
  double quota = 0;        ///< cores' worth of time its control group may use; 0: no limit
  std::string group;       ///< which: its processes share the quota
  int limit = 0;           ///< cores its scheduler gave it: SLURM_CPUS_PER_TASK; 0: nothing said
  int wanted = 0;          ///< threads: OMP_NUM_THREADS; 0: nothing said
};

/// As it is now. SLURM_CPUS_PER_TASK counts within a step that is no batch script or interactive
/// shell, and is of LOCAL_WORLD_SIZE processes where that is set.
CoreView view_of_cores(const std::function<const char*(const char*)>& getenv);

/// One line for another process, and back. @throws UsageError if the text is none.
std::string to_text(const CoreView& view);
CoreView core_view_from(const std::string& text);

/// The cores of process `who` among these, each of which computes with as many as it gets: a core
/// that k processes of a machine may run on is 1/k for each of them; so is a quota. At least 1.
/// What is `wanted` wins.
int share_of_cores(size_t who, const std::vector<CoreView>& all);

/// Cores that this process may use if it is alone, whatever OMP_NUM_THREADS wants. At least 1.
int usable_cores();

/// The quota of a control group, and which group it is.
struct CpuQuota {
  double cores = 0;  ///< 0: no limit
  std::string group;
};

/// The tightest of this process's control groups, version 1 or 2: from proc/self/cgroup and
/// sys/fs/cgroup below `root`.
CpuQuota read_cpu_quota(const std::filesystem::path& root);

}  // namespace valley
