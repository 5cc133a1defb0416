#include "valley/comm/rendezvous.h"

#include <gtest/gtest.h>

#include <map>

#include "valley/core/error.h"

namespace valley::rendezvous_test {
namespace {

using Variables = std::map<std::string, std::string>;

std::optional<WorkerEnvironment> read(const Variables& variables) {
  return read_environment([&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

std::string refusal(const Variables& variables) {
  try {
    read(variables);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "nothing";
}

TEST(Rendezvous, NothingSaysAnything) {
  EXPECT_FALSE(read({}));
  EXPECT_FALSE(read({{"RANK", ""}, {"MASTER_ADDR", "host"}, {"LOCAL_RANK", "1"}}));
}

TEST(Rendezvous, ByHand) {
  const auto env = read({{"RANK", "2"}, {"WORLD_SIZE", "4"}});
  ASSERT_TRUE(env);
  EXPECT_EQ(env->rank, 2);
  EXPECT_EQ(env->size, 4);
  EXPECT_EQ(env->local_rank, 2);
  EXPECT_EQ(env->master_address, "127.0.0.1");
  EXPECT_EQ(env->master_port, 29500);
  EXPECT_FALSE(env->agent_store);
  EXPECT_EQ(env->prefix, "");
  EXPECT_EQ(name(env->launcher), "environment (RANK, WORLD_SIZE)");
}

TEST(Rendezvous, Torchrun) {
  const auto env = read({{"RANK", "3"},
                         {"WORLD_SIZE", "4"},
                         {"LOCAL_RANK", "1"},
                         {"MASTER_ADDR", "node7"},
                         {"MASTER_PORT", "1234"},
                         {"TORCHELASTIC_RUN_ID", "none"},
                         {"TORCHELASTIC_RESTART_COUNT", "2"},
                         {"TORCHELASTIC_USE_AGENT_STORE", "True"},
                         {"SLURM_STEP_ID", "0"},  // one task a machine: not a worker
                         {"SLURM_NTASKS", "2"},
                         {"SLURM_PROCID", "1"}});
  ASSERT_TRUE(env);
  EXPECT_EQ(env->rank, 3);
  EXPECT_EQ(env->local_rank, 1);
  EXPECT_EQ(env->master_address, "node7");
  EXPECT_EQ(env->master_port, 1234);
  EXPECT_TRUE(env->agent_store);
  EXPECT_EQ(env->prefix, "/worker/attempt_2");
  EXPECT_EQ(name(env->launcher), "torchrun");

  const JoinOptions options = join_options(*env, 12);
  EXPECT_EQ(options.rank, 3);
  EXPECT_EQ(options.size, 4);
  EXPECT_EQ(options.local_rank, 1);
  EXPECT_EQ(options.master_address, "node7");
  EXPECT_EQ(options.master_port, 1234);
  EXPECT_EQ(options.prefix, "/worker/attempt_2");
  EXPECT_FALSE(options.host_store);
  EXPECT_FALSE(options.watched);
  EXPECT_EQ(options.timeout_seconds, 12);
}

TEST(Rendezvous, TorchrunWithoutAnAgentStore) {
  const auto env = read({{"RANK", "0"},
                         {"WORLD_SIZE", "2"},
                         {"TORCHELASTIC_RUN_ID", "none"},
                         {"TORCHELASTIC_USE_AGENT_STORE", "False"}});
  EXPECT_FALSE(env->agent_store);
  EXPECT_TRUE(join_options(*env, 1).host_store);
}

TEST(Rendezvous, OurOwnLauncherGoesBeforeWhateverStartedIt) {
  const auto env = read({{"RANK", "1"},
                         {"WORLD_SIZE", "2"},
                         {"LOCAL_RANK", "1"},
                         {"VALLEY_LAUNCHED", "1"},
                         {"OMPI_COMM_WORLD_RANK", "0"},
                         {"OMPI_COMM_WORLD_SIZE", "1"}});
  EXPECT_EQ(name(env->launcher), "valley --launch processes");
  EXPECT_TRUE(env->agent_store);
  EXPECT_TRUE(join_options(*env, 1).watched);
}

TEST(Rendezvous, Mpirun) {
  const auto env = read({{"OMPI_COMM_WORLD_RANK", "1"},
                         {"OMPI_COMM_WORLD_SIZE", "2"},
                         {"OMPI_COMM_WORLD_LOCAL_RANK", "0"},
                         {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"},
                         {"OMPI_MCA_ess_base_jobid", "3214540801"}});
  EXPECT_EQ(env->rank, 1);
  EXPECT_EQ(env->local_rank, 0);
  EXPECT_EQ(env->master_address, "127.0.0.1");
  EXPECT_EQ(env->master_port, 20801);
  EXPECT_EQ(name(env->launcher), "mpirun (OMPI_COMM_WORLD_*)");
  EXPECT_EQ(read({{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "2"}})->master_port,
            29500);
  EXPECT_TRUE(join_options(*env, 1).by_mpi);
}

// What MPI knows by itself, where it is MPI that starts the workers.
TEST(Rendezvous, TheBackendMpi) {
  const Variables mpi = {{"OMPI_COMM_WORLD_RANK", "1"},
                         {"OMPI_COMM_WORLD_SIZE", "4"},
                         {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}};
  EXPECT_EQ(refusal(mpi),
            "MASTER_ADDR must be set to the address of rank 0, because "
            "OMPI_COMM_WORLD_LOCAL_SIZE=2 of OMPI_COMM_WORLD_SIZE=4");
  const auto env = read_environment(
      [&](const char* name) -> const char* {
        const auto found = mpi.find(name);
        return found == mpi.end() ? nullptr : found->second.c_str();
      },
      /*needs_master=*/false);
  EXPECT_TRUE(env->by_mpi);

  Variables by_hand = {{"RANK", "1"}, {"WORLD_SIZE", "2"}};
  EXPECT_FALSE(read(by_hand)->by_mpi);
  by_hand["PMIX_RANK"] = "1";  // by hand, and by srun
  EXPECT_TRUE(read(by_hand)->by_mpi);
  by_hand["TORCHELASTIC_RUN_ID"] = "none";  // the agents are srun's
  EXPECT_FALSE(read(by_hand)->by_mpi);
}

TEST(Rendezvous, Srun) {
  Variables variables = {{"SLURM_PROCID", "1"},
                         {"SLURM_NTASKS", "2"},
                         {"SLURM_LOCALID", "1"},
                         {"SLURM_JOB_ID", "123"},
                         {"SLURM_STEP_ID", "4"}};
  const auto env = read(variables);
  EXPECT_EQ(env->rank, 1);
  EXPECT_EQ(env->size, 2);
  EXPECT_EQ(env->master_port, 20127);
  EXPECT_EQ(name(env->launcher), "srun (SLURM_*)");

  variables["SLURM_NTASKS"] = "1";
  EXPECT_FALSE(read(variables)) << "one task is no group";
  variables["SLURM_NTASKS"] = "2";
  variables.erase("SLURM_STEP_ID");
  EXPECT_FALSE(read(variables)) << "a batch script is no step";
}

// `salloc` opens a shell that has the job's number of tasks, but is one.
TEST(Rendezvous, ShellsAndScriptsOfSlurmAreNoSteps) {
  Variables variables = {{"SLURM_PROCID", "0"},          {"SLURM_NTASKS", "4"},
                         {"SLURM_STEP_NUM_TASKS", "1"},  {"SLURM_LOCALID", "0"},
                         {"SLURM_STEP_NUM_NODES", "1"},  {"SLURM_JOB_ID", "123"},
                         {"SLURM_STEP_ID", "4294967290"}};
  EXPECT_FALSE(read(variables)) << "interactive";
  variables["SLURM_STEP_NUM_TASKS"] = "4";
  EXPECT_FALSE(read(variables)) << "interactive";
  variables["SLURM_STEP_ID"] = "4294967291";
  EXPECT_FALSE(read(variables)) << "batch script";
  variables["SLURM_STEP_ID"] = "0";
  EXPECT_EQ(read(variables)->size, 4);
  variables["SLURM_STEP_NUM_TASKS"] = "2";  // srun -n 2 in a job of four
  EXPECT_EQ(read(variables)->size, 2);
  variables["SLURM_STEP_NUM_TASKS"] = "1";
  EXPECT_FALSE(read(variables));
}

TEST(Rendezvous, MpichAndIntelMpi) {
  Variables variables = {
      {"PMI_RANK", "1"}, {"PMI_SIZE", "4"}, {"MPI_LOCALRANKID", "1"}, {"MPI_LOCALNRANKS", "4"}};
  const auto env = read(variables);
  ASSERT_TRUE(env);
  EXPECT_EQ(env->rank, 1);
  EXPECT_EQ(env->size, 4);
  EXPECT_EQ(env->local_rank, 1);
  EXPECT_EQ(name(env->launcher), "mpiexec (PMI_*)");
  EXPECT_EQ(env->master_address, "127.0.0.1");

  variables["MPI_LOCALNRANKS"] = "2";
  EXPECT_EQ(refusal(variables),
            "MASTER_ADDR must be set to the address of rank 0, because MPI_LOCALNRANKS=2 of "
            "PMI_SIZE=4");
  variables["MASTER_ADDR"] = "node7";
  EXPECT_EQ(read(variables)->master_address, "node7");
  EXPECT_FALSE(read({{"PMI_RANK", "0"}, {"PMI_SIZE", "1"}})) << "one is no group";
  EXPECT_EQ(refusal({{"PMI_RANK", "3"}}), "PMI_RANK=3 is set, but PMI_SIZE is not");
  EXPECT_EQ(refusal({{"PMI_RANK", "0"}, {"PMI_SIZE", "2"}, {"RANK", "1"}, {"WORLD_SIZE", "2"}}),
            "RANK=1 contradicts PMI_RANK=0");
}

TEST(Rendezvous, Mvapich) {
  const auto env = read({{"MV2_COMM_WORLD_RANK", "2"},
                         {"MV2_COMM_WORLD_SIZE", "3"},
                         {"MV2_COMM_WORLD_LOCAL_RANK", "0"}});
  ASSERT_TRUE(env);
  EXPECT_EQ(env->rank, 2);
  EXPECT_EQ(env->local_rank, 0);
  EXPECT_EQ(name(env->launcher), "mpirun (MV2_COMM_WORLD_*)");
}

// srun speaks PMI to its tasks; mpiexec starts one proxy a machine with srun.
TEST(Rendezvous, PmiAndSlurmTogether) {
  Variables variables = {{"PMI_RANK", "1"},      {"PMI_SIZE", "2"},
                         {"SLURM_PROCID", "1"},  {"SLURM_STEP_NUM_TASKS", "2"},
                         {"SLURM_STEP_ID", "0"}, {"SLURM_JOB_ID", "5"}};
  EXPECT_EQ(name(read(variables)->launcher), "srun (SLURM_*)");
  variables["PMI_RANK"] = "5";
  variables["PMI_SIZE"] = "8";
  EXPECT_EQ(name(read(variables)->launcher), "mpiexec (PMI_*)");
  EXPECT_EQ(read(variables)->rank, 5);
}

// Once a machine, by whatever reaches them all.
TEST(Rendezvous, TorchrunUnderAnotherLauncher) {
  for (const Variables& outer :
       {Variables{{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "1"}},
        Variables{{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}}}) {
    Variables variables = {{"RANK", "3"}, {"WORLD_SIZE", "4"}, {"TORCHELASTIC_RUN_ID", "x"}};
    variables.insert(outer.begin(), outer.end());
    const auto env = read(variables);
    ASSERT_TRUE(env);
    EXPECT_EQ(env->rank, 3);
    EXPECT_EQ(name(env->launcher), "torchrun");
  }
}

TEST(Rendezvous, WhatIsNotUnderstoodIsRefused) {
  EXPECT_EQ(refusal({{"PMIX_RANK", "0"}}),
            "PMIX_RANK=0 is set, but nothing says how many workers there are; set RANK and "
            "WORLD_SIZE");
  EXPECT_TRUE(read({{"PMIX_RANK", "0"}, {"RANK", "0"}, {"WORLD_SIZE", "2"}}));
  EXPECT_FALSE(read({{"PMIX_RANK", "0"}, {"SLURM_STEP_ID", "0"}, {"SLURM_STEP_NUM_TASKS", "1"}}));
  EXPECT_FALSE(read({{"PMIX_RANK", "0"}, {"SLURM_STEP_ID", "4294967290"}}));
}

TEST(Rendezvous, SeveralMachinesNeedAnAddress) {
  EXPECT_EQ(refusal({{"OMPI_COMM_WORLD_RANK", "1"},
                     {"OMPI_COMM_WORLD_SIZE", "4"},
                     {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}}),
            "MASTER_ADDR must be set to the address of rank 0, because "
            "OMPI_COMM_WORLD_LOCAL_SIZE=2 of OMPI_COMM_WORLD_SIZE=4");
  EXPECT_EQ(refusal({{"SLURM_PROCID", "1"},
                     {"SLURM_NTASKS", "2"},
                     {"SLURM_STEP_ID", "0"},
                     {"SLURM_STEP_NUM_NODES", "2"}}),
            "MASTER_ADDR must be set to the address of rank 0, because SLURM_STEP_NUM_NODES=2");
}

TEST(Rendezvous, TheAddressMayHoldThePort) {
  const Variables two = {{"RANK", "1"}, {"WORLD_SIZE", "2"}};
  Variables variables = two;
  variables["MASTER_ADDR"] = "[fd00::1]:1234";
  EXPECT_EQ(read(variables)->master_address, "fd00::1");
  EXPECT_EQ(read(variables)->master_port, 1234);
  variables["MASTER_PORT"] = "1234";
  EXPECT_EQ(read(variables)->master_port, 1234);
  variables["MASTER_PORT"] = "29500";
  EXPECT_EQ(refusal(variables), "MASTER_ADDR=[fd00::1]:1234 contradicts MASTER_PORT=29500");
  variables = two;
  variables["MASTER_ADDR"] = "http://node1";
  EXPECT_EQ(refusal(variables), "MASTER_ADDR takes no scheme but tcp://, got 'http://node1'");
}

TEST(Rendezvous, TheInterfaceGivenGoesBeforeTheEnvironments) {
  const auto env = read({{"RANK", "1"}, {"WORLD_SIZE", "2"}, {"GLOO_SOCKET_IFNAME", "eth7"}});
  EXPECT_EQ(join_options(*env, 1).interface, "eth7");
  EXPECT_EQ(join_options(*env, 1).interface_from, "GLOO_SOCKET_IFNAME=eth7");
  JoinOptions options = join_options(*env, 1);
  apply({.interface = "eth8"}, options);
  EXPECT_EQ(options.interface, "eth8");
  EXPECT_EQ(spell_keys(options.interface_from, "--"), "--interface eth8");
}

TEST(Rendezvous, TheJobIsThatOfWhoSaysRankAndSize) {
  const auto job = [](Variables variables, bool by_hand = true) {
    if (by_hand) variables.insert({{"RANK", "1"}, {"WORLD_SIZE", "2"}});
    return read(variables)->job;
  };
  const Variables slurm = {{"SLURM_PROCID", "1"},
                           {"SLURM_NTASKS", "2"},
                           {"SLURM_JOB_ID", "123"},
                           {"SLURM_STEP_ID", "4"},
                           {"PMIX_NAMESPACE", "slurm.pmix.123.4"}};
  EXPECT_EQ(job({}), "");
  EXPECT_EQ(job({{"VALLEY_LAUNCHED", "af"}}), "valley af");
  EXPECT_EQ(job({{"TORCHELASTIC_RUN_ID", "night"}}), "torchrun night");
  EXPECT_EQ(job({{"TORCHELASTIC_RUN_ID", "none"}}), "") << "what torchrun says if it has no id";
  EXPECT_EQ(job(slurm, false), "srun 123.4");
  EXPECT_EQ(job(slurm), "srun 123.4");
  EXPECT_EQ(job({{"SLURM_JOB_ID", "123"}, {"SLURM_NTASKS", "8"}}), "") << "a shell in a job";
  EXPECT_EQ(
      job({{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "2"}, {"PMIX_NAMESPACE", "77"}},
          false),
      "mpirun 77");

  JoinOptions options = join_options(*read(slurm), 1);
  apply({.run_id = "night"}, options);
  EXPECT_EQ(options.job, "srun 123.4 'night'");
}

TEST(Rendezvous, ContradictionsNameBothSides) {
  EXPECT_EQ(refusal({{"RANK", "0"},
                     {"WORLD_SIZE", "2"},
                     {"OMPI_COMM_WORLD_RANK", "1"},
                     {"OMPI_COMM_WORLD_SIZE", "2"}}),
            "RANK=0 contradicts OMPI_COMM_WORLD_RANK=1");
  EXPECT_EQ(refusal({{"RANK", "1"},
                     {"WORLD_SIZE", "2"},
                     {"OMPI_COMM_WORLD_RANK", "1"},
                     {"OMPI_COMM_WORLD_SIZE", "3"}}),
            "WORLD_SIZE=2 contradicts OMPI_COMM_WORLD_SIZE=3");
  EXPECT_EQ(refusal({{"RANK", "0"},
                     {"WORLD_SIZE", "2"},
                     {"SLURM_STEP_ID", "0"},
                     {"SLURM_PROCID", "1"},
                     {"SLURM_NTASKS", "2"}}),
            "RANK=0 contradicts SLURM_PROCID=1");
}

TEST(Rendezvous, HalvesAndNonsenseAreRefused) {
  EXPECT_EQ(refusal({{"RANK", "0"}}), "RANK=0 is set, but WORLD_SIZE is not");
  EXPECT_EQ(refusal({{"WORLD_SIZE", "2"}}), "WORLD_SIZE=2 is set, but RANK is not");
  EXPECT_EQ(refusal({{"RANK", "abc"}, {"WORLD_SIZE", "2"}}),
            "RANK must be a whole number >= 0, got 'abc'");
  EXPECT_EQ(refusal({{"RANK", "1x"}, {"WORLD_SIZE", "2"}}),
            "RANK must be a whole number >= 0, got '1x'");
  EXPECT_EQ(refusal({{"RANK", "-1"}, {"WORLD_SIZE", "2"}}),
            "RANK must be a whole number >= 0, got '-1'");
  EXPECT_EQ(refusal({{"RANK", "2"}, {"WORLD_SIZE", "2"}}), "RANK=2 must be below WORLD_SIZE=2");
  EXPECT_EQ(refusal({{"RANK", "0"}, {"WORLD_SIZE", "0"}}), "RANK=0 must be below WORLD_SIZE=0");
  EXPECT_EQ(refusal({{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"MASTER_PORT", "70000"}}),
            "MASTER_PORT must be in [1, 65535], got 70000");
  EXPECT_EQ(refusal({{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"LOCAL_RANK", "?"}}),
            "LOCAL_RANK must be a whole number >= 0, got '?'");
  EXPECT_EQ(refusal({{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"LOCAL_RANK", "4294967296"}}),
            "LOCAL_RANK must be at most 1048576, got 4294967296");
  EXPECT_EQ(refusal({{"VALLEY_LAUNCHED", "a"},
                     {"VALLEY_WORKER", "4294967296"},
                     {"RANK", "0"},
                     {"WORLD_SIZE", "2"}}),
            "VALLEY_WORKER is none of valley's, got 4294967296");
  // Two of them are added.
  EXPECT_EQ(refusal({{"SLURM_PROCID", "0"},
                     {"SLURM_STEP_NUM_TASKS", "2"},
                     {"SLURM_STEP_ID", "1"},
                     {"SLURM_JOB_ID", "9223372036854775807"}}),
            "SLURM_JOB_ID must be a whole number >= 0, got '9223372036854775807'");
}

}  // namespace
}  // namespace valley::rendezvous_test
