#include "valley/comm/rendezvous.h"

#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>

#include "valley/comm/address.h"
#include "valley/core/error.h"
#include "valley/core/numbers.h"

namespace valley {
namespace {

// Above all that launchers count, and far below where sums of two would overflow.
constexpr int64_t kLargestNumber = int64_t{1} << 53;
constexpr int64_t kMostWorkers = 1 << 20;

class Environment {
 public:
  explicit Environment(const Getenv& getenv) : getenv_(getenv) {}

  // Empty counts as not set: shells cannot unset a variable for one command.
  std::optional<std::string> text(const char* name) const {
    const char* value = getenv_(name);
    if (!value || !*value) return std::nullopt;
    return value;
  }

  bool has(const char* name) const { return text(name).has_value(); }

  std::optional<int64_t> number(const char* name) const {
    const auto value = text(name);
    if (!value) return std::nullopt;
    const auto result = parse_number<int64_t>(*value);
    require(result && *result >= 0 && *result <= kLargestNumber,
            "{} must be a whole number >= 0, got '{}'", name, *value);
    return result;
  }

 private:
  const Getenv& getenv_;
};

// The three variables of one launcher.
struct Source {
  const char* rank_name;
  const char* size_name;
  const char* local_name;
  int64_t rank = 0;
  int64_t size = 0;
  int64_t local_rank = 0;
};

std::optional<Source> read_source(const Environment& env, const char* rank_name,
                                  const char* size_name, const char* local_name) {
  const auto rank = env.number(rank_name);
  const auto size = env.number(size_name);
  if (!rank && !size) return std::nullopt;
  require(size.has_value(), "{}={} is set, but {} is not", rank_name, rank.value_or(0), size_name);
  require(rank.has_value(), "{}={} is set, but {} is not", size_name, *size, rank_name);
  require(*rank < *size, "{}={} must be below {}={}", rank_name, *rank, size_name, *size);
  const int64_t local = env.number(local_name).value_or(*rank);
  for (const auto& [name, value] : {std::pair(size_name, *size), std::pair(local_name, local)})
    require(value <= kMostWorkers, "{} must be at most {}, got {}", name, kMostWorkers, value);
  return Source{rank_name, size_name, local_name, *rank, *size, local};
}

void require_agreement(const Source& a, const std::optional<Source>& b) {
  if (!b) return;
  require(a.rank == b->rank, "{}={} contradicts {}={}", a.rank_name, a.rank, b->rank_name, b->rank);
  require(a.size == b->size, "{}={} contradicts {}={}", a.size_name, a.size, b->size_name, b->size);
}

// The number of all tasks: the step's own, since an interactive shell has SLURM_NTASKS of its job.
const char* slurm_size(const Environment& env) {
  return env.has("SLURM_STEP_NUM_TASKS") ? "SLURM_STEP_NUM_TASKS" : "SLURM_NTASKS";
}

// Slurm numbers what is no step of tasks, a batch script or an interactive shell, from the end.
bool is_slurm_shell(const Environment& env) {
  return env.number("SLURM_STEP_ID").value_or(0) >= 0xfffffff0;
}

std::optional<Source> read_slurm(const Environment& env) {
  const char* const size = slurm_size(env);
  if (!env.has("SLURM_STEP_ID") || is_slurm_shell(env) || env.number(size).value_or(1) <= 1)
    return {};
  return read_source(env, "SLURM_PROCID", size, "SLURM_LOCALID");
}

// One worker is none to be joined, whoever started it.
std::optional<Source> read_pmi(const Environment& env) {
  if (env.number("PMI_SIZE").value_or(2) <= 1) return {};
  return read_source(env, "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID");
}

// By a launcher of MPI, or one that speaks to MPI as those do (srun, with its plugin for it).
bool started_by_mpi(const Environment& env) {
  return env.has("OMPI_COMM_WORLD_RANK") || env.has("MV2_COMM_WORLD_RANK") ||
         env.has("PMIX_RANK") || env.has("PMI_RANK");
}

// Why the address of this machine will not do, if the launcher says so.
std::string several_machines(const Environment& env, const char* local_name, const Source& all) {
  const auto local = env.number(local_name);
  if (!local || *local >= all.size) return "";
  return fmt::format("{}={} of {}={}", local_name, *local, all.size_name, all.size);
}

// Whoever says rank and size also says which start of which job this is. RANK set by hand inside a
// step or under mpirun agrees with it, so that its job is meant. Two agents of torchrun that were
// given no id both say "none".
std::string job_of(const Environment& env, bool launched, bool torchrun) {
  const auto named = [&](const char* who, const char* name) {
    const auto value = env.text(name);
    return value && *value != "none" ? fmt::format("{} {}", who, *value) : "";
  };
  if (launched) return named("valley", "VALLEY_LAUNCHED");
  if (torchrun) return named("torchrun", "TORCHELASTIC_RUN_ID");
  if (env.has("OMPI_COMM_WORLD_RANK")) return named("mpirun", "PMIX_NAMESPACE");
  if (read_slurm(env)) {
    return fmt::format("srun {}.{}", env.text("SLURM_JOB_ID").value_or("?"),
                       env.text("SLURM_STEP_ID").value_or("?"));
  }
  return named("pmix", "PMIX_NAMESPACE");
}

}  // namespace

std::string_view name(Launcher launcher) {
  switch (launcher) {
    case Launcher::kByHand:
      break;
    case Launcher::kValley:
      return "valley --launch processes";
    case Launcher::kTorchrun:
      return "torchrun";
    case Launcher::kOpenMpi:
      return "mpirun (OMPI_COMM_WORLD_*)";
    case Launcher::kMvapich:
      return "mpirun (MV2_COMM_WORLD_*)";
    case Launcher::kPmi:
      return "mpiexec (PMI_*)";
    case Launcher::kSlurm:
      return "srun (SLURM_*)";
  }
  return "environment (RANK, WORLD_SIZE)";
}

std::optional<WorkerEnvironment> read_environment(const Getenv& getenv, bool needs_master) {
  const Environment env(getenv);
  const bool launched = env.has("VALLEY_LAUNCHED");
  const bool torchrun = env.has("TORCHELASTIC_RUN_ID");
  const auto plain = read_source(env, "RANK", "WORLD_SIZE", "LOCAL_RANK");
  WorkerEnvironment result;
  Source source;
  std::string machines;  // why one machine's address will not do
  int64_t job = -1;

  if (plain && launched) {
    source = *plain;
    result.launcher = Launcher::kValley;
    result.agent_store = true;
    const int64_t id = env.number("VALLEY_WORKER").value_or(-1);
    require(id <= std::numeric_limits<int>::max(), "VALLEY_WORKER is none of valley's, got {}", id);
    result.gathered = static_cast<int>(id);
  } else {
    const auto mpi = read_source(env, "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE",
                                 "OMPI_COMM_WORLD_LOCAL_RANK");
    const auto mvapich =
        read_source(env, "MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_LOCAL_RANK");
    auto pmi = read_pmi(env);
    const auto slurm = read_slurm(env);
    if (slurm && pmi && slurm->rank == pmi->rank && slurm->size == pmi->size)
      pmi.reset();  // srun speaks PMI as well, and says more
    if (plain) {
      source = *plain;
      if (!torchrun) {
        for (const auto& other : {mpi, mvapich, pmi}) require_agreement(source, other);
        if (!mpi && !mvapich && !pmi) require_agreement(source, slurm);
      }
      result.launcher = torchrun ? Launcher::kTorchrun : Launcher::kByHand;
      if (env.text("TORCHELASTIC_USE_AGENT_STORE") == "True") {
        result.agent_store = true;
        result.prefix =
            fmt::format("/worker/attempt_{}", env.number("TORCHELASTIC_RESTART_COUNT").value_or(0));
      }
    } else if (mpi) {
      source = *mpi;
      result.launcher = Launcher::kOpenMpi;
      job = env.number("OMPI_MCA_ess_base_jobid").value_or(-1);
      machines = several_machines(env, "OMPI_COMM_WORLD_LOCAL_SIZE", source);
    } else if (mvapich) {
      source = *mvapich;
      result.launcher = Launcher::kMvapich;
      machines = several_machines(env, "MV2_COMM_WORLD_LOCAL_SIZE", source);
    } else if (pmi) {
      source = *pmi;
      result.launcher = Launcher::kPmi;
      machines = several_machines(env, "MPI_LOCALNRANKS", source);
    } else if (slurm) {
      source = *slurm;
      result.launcher = Launcher::kSlurm;
      if (const auto id = env.number("SLURM_JOB_ID")) {
        job = *id + env.number("SLURM_STEP_ID").value_or(0);
      }
      const auto nodes = env.number("SLURM_STEP_NUM_NODES");
      if (nodes && *nodes > 1) machines = fmt::format("SLURM_STEP_NUM_NODES={}", *nodes);
    } else {
      // Each of several workers would take itself for the only one. A step of Slurm says how many.
      const auto pmix = env.number("PMIX_RANK");
      const bool alone =
          env.has("PMI_SIZE") || is_slurm_shell(env) || env.number(slurm_size(env)) == 1;
      require(!pmix || alone,
              "PMIX_RANK={} is set, but nothing says how many workers there are; set RANK and "
              "WORLD_SIZE",
              pmix.value_or(0));
      return std::nullopt;
    }
  }

  result.rank = static_cast<int>(source.rank);
  result.size = static_cast<int>(source.size);
  result.local_rank = static_cast<int>(source.local_rank);
  result.by_mpi = !launched && !torchrun && started_by_mpi(env);
  result.job = job_of(env, launched, torchrun);
  result.interface = env.text("GLOO_SOCKET_IFNAME").value_or("");
  std::optional<int64_t> port = env.number("MASTER_PORT");
  if (const auto address = env.text("MASTER_ADDR")) {
    const HostPort given = parse_host_port("MASTER_ADDR", *address);
    result.master_address = given.host;
    if (given.port != 0) {
      require(!port || *port == given.port, "MASTER_ADDR={} contradicts MASTER_PORT={}", *address,
              port.value_or(0));
      port = given.port;
    }
  } else {
    require(!needs_master || machines.empty(),
            "MASTER_ADDR must be set to the address of rank 0, because {}", machines);
  }
  if (!port) port = job >= 0 ? 20000 + job % 10000 : result.master_port;
  require(1 <= *port && *port <= 65535, "MASTER_PORT must be in [1, 65535], got {}", *port);
  result.master_port = static_cast<int>(*port);
  return result;
}

JoinOptions join_options(const WorkerEnvironment& environment, double timeout_seconds) {
  JoinOptions options;
  options.rank = environment.rank;
  options.size = environment.size;
  options.local_rank = environment.local_rank;
  options.master_address = environment.master_address;
  options.master_port = environment.master_port;
  options.host_store = !environment.agent_store;
  options.by_mpi = environment.by_mpi;
  options.watched = environment.launcher == Launcher::kValley;
  options.prefix = environment.prefix;
  options.timeout_seconds = timeout_seconds;
  options.job = environment.job;
  options.interface = environment.interface;
  options.interface_from = "GLOO_SOCKET_IFNAME=" + environment.interface;
  return options;
}

void apply(const JoinFlags& flags, JoinOptions& options) {
  if (!flags.interface.empty()) {
    options.interface = flags.interface;
    options.interface_from = fmt::format("{} {}", Key{"interface"}, flags.interface);
  }
  if (!flags.run_id.empty()) {
    options.job += fmt::format("{}'{}'", options.job.empty() ? "" : " ", flags.run_id);
  }
  options.card = flags.card;
  options.token = flags.token;
}

}  // namespace valley
