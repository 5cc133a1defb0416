#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "valley/comm/join.h"

namespace valley {

/// Who started this process as one worker of several.
enum class Launcher {
  kByHand,  ///< RANK and WORLD_SIZE are set, and nothing says by whom
  kValley,  ///< launch_processes()
  kTorchrun,
  kOpenMpi,
  kMvapich,
  kPmi,  ///< mpiexec of MPICH or Intel MPI
  kSlurm,
};

/// For the log: "torchrun", "mpirun (OMPI_COMM_WORLD_*)", "mpiexec (PMI_*)", "srun (SLURM_*)",
/// "valley --launch processes", "environment (RANK, WORLD_SIZE)".
std::string_view name(Launcher launcher);

/// What whoever started this process says about its place among the workers.
struct WorkerEnvironment {
  int rank = 0;
  int size = 1;
  int local_rank = 0;  ///< among the workers of this machine; the rank if nobody says
  std::string master_address = "127.0.0.1";
  int master_port = 29500;
  bool agent_store = false;  ///< the launcher hosts the store; no worker does
  std::string prefix;        ///< of the keys in the store
  std::string job;           ///< tells this start from others; "" if nobody says: "srun 123.4"
  std::string interface;     ///< GLOO_SOCKET_IFNAME: the network interface to listen at
  Launcher launcher = Launcher::kByHand;  ///< who said so
  /// What tells this process from all others that its launcher starts, where that gathers workers
  /// that come and go (VALLEY_WORKER); -1: it does not.
  int gathered = -1;
  bool by_mpi = false;  ///< MPI would say so, too: the backend `mpi` can be had
};

/// Looks a variable up, like std::getenv.
using Getenv = std::function<const char*(const char*)>;

/// Reads the variables of the nearest launcher, or nothing if this process stands alone:
///
///  1. RANK, WORLD_SIZE, LOCAL_RANK: valley --launch processes (VALLEY_LAUNCHED), torchrun
///     (TORCHELASTIC_RUN_ID), or set by hand. With TORCHELASTIC_USE_AGENT_STORE=True all workers
///     are clients of torchrun's store, under the prefix /worker/attempt_N.
///  2. OMPI_COMM_WORLD_RANK, _SIZE, _LOCAL_RANK: mpirun of Open MPI; MV2_COMM_WORLD_*: MVAPICH2.
///  3. SLURM_PROCID, SLURM_STEP_NUM_TASKS, SLURM_LOCALID: srun, i.e. in a step (SLURM_STEP_ID) of
///     more than one task. SLURM_NTASKS, which an interactive shell has from its job, stands in
///     only where the step says nothing; batch scripts and interactive shells are no steps.
///  4. PMI_RANK, PMI_SIZE, MPI_LOCALRANKID: mpiexec of MPICH and Intel MPI, where they say more
///  than
///     one. They go before 3 where the two differ: there a task of srun is a machine.
///
/// RANK set by hand must agree with the others; torchrun's goes before them, because under mpirun,
/// mpiexec or srun it is started once a machine.
///
/// MASTER_ADDR and MASTER_PORT always count; the address may hold the port and stand in
/// brackets, see parse_host_port(). Without them: 127.0.0.1 (an error if the launcher says
/// that there is more than one machine), and 29500 or, under mpirun and srun, 20000 + (number of
/// the job mod 10000), so that two jobs on a machine stay apart.
///
/// The job is that of whoever said rank and size: the token of valley's launcher,
/// TORCHELASTIC_RUN_ID, SLURM_JOB_ID with SLURM_STEP_ID, or PMIX_NAMESPACE.
///
/// `needs_master` false: without MASTER_ADDR several machines are no error, since nobody listens
/// there (the backend `mpi`).
///
/// @throws UsageError if a value is no number or out of range, the half of a pair is missing, two
/// sources differ, or another launcher (PMIX_RANK alone) says what is not understood; the text
/// names the variables and values.
std::optional<WorkerEnvironment> read_environment(const Getenv& getenv, bool needs_master = true);

/// How such a worker joins its group.
JoinOptions join_options(const WorkerEnvironment& environment, double timeout_seconds);

/// What the person says beside the environment.
struct JoinFlags {
  std::string interface = {};  ///< --interface: goes before that of the environment
  std::string run_id = {};     ///< --run-id: part of the job's name, beside that of the environment
  std::string token = {};      ///< see JoinOptions::token
  Card card = {};
};
void apply(const JoinFlags& flags, JoinOptions& options);

}  // namespace valley
