#include "valley/core/cores.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <fstream>
#include <map>
#include <numeric>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"

namespace valley::cores_test {
namespace {

CoreView view(int first, int count, const std::string& machine = "a") {
  CoreView result;
  result.machine = machine;
  result.cores.resize(static_cast<size_t>(count));
  std::iota(result.cores.begin(), result.cores.end(), first);
  return result;
}

std::vector<int> shares(const std::vector<CoreView>& all) {
  std::vector<int> result;
  for (size_t i = 0; i < all.size(); ++i) result.push_back(share_of_cores(i, all));
  return result;
}

using Shares = std::vector<int>;

TEST(Cores, WorkersOfAMachineShareItsCores) {
  EXPECT_EQ(shares({view(0, 16)}), Shares{16});
  EXPECT_EQ(shares({view(0, 16), view(0, 16), view(0, 16)}), (Shares{5, 5, 5}));
  EXPECT_EQ(shares({view(0, 2), view(0, 2), view(0, 2)}), (Shares{1, 1, 1}));
  // Two on each of two machines: the world has four.
  EXPECT_EQ(shares({view(0, 8, "a"), view(0, 8, "a"), view(0, 8, "b"), view(0, 8, "b")}),
            (Shares{4, 4, 4, 4}));
  EXPECT_EQ(shares({view(0, 8, "a"), view(0, 8, "a"), view(0, 8, "b")}), (Shares{4, 4, 8}));
}

// mpirun and srun bind each worker to cores of its own: these are not to be divided again.
TEST(Cores, BoundWorkersHaveTheirCoresForThemselves) {
  EXPECT_EQ(shares({view(0, 4), view(4, 4)}), (Shares{4, 4}));
  EXPECT_EQ(shares({view(0, 4), view(0, 4), view(4, 4), view(4, 4)}), (Shares{2, 2, 2, 2}));
  EXPECT_EQ(shares({view(0, 6), view(4, 2)}), (Shares{5, 1}));  // 4 and two halves
}

TEST(Cores, AQuotaIsSharedByItsGroup) {
  CoreView one = view(0, 64);
  one.quota = 6.5;
  one.group = "x";
  CoreView other = one;
  EXPECT_EQ(shares({one}), Shares{6});
  EXPECT_EQ(shares({one, other}), (Shares{3, 3}));
  other.group = "y";
  EXPECT_EQ(shares({one, other}), (Shares{6, 6}));
  one.quota = 0.2;
  EXPECT_EQ(shares({one}), Shares{1});
}

TEST(Cores, WhatWasSaidCounts) {
  CoreView limited = view(0, 16);
  limited.limit = 3;
  EXPECT_EQ(shares({limited}), Shares{3});
  limited.limit = 30;
  EXPECT_EQ(shares({limited, limited}), (Shares{8, 8}));
  limited.wanted = 5;
  EXPECT_EQ(shares({limited, limited}), (Shares{5, 5}));
}

TEST(Cores, AViewTravelsAsText) {
  CoreView sent = view(3, 3, "some machine");
  sent.quota = 1.0 / 3;
  sent.group = "cgroup:[4026531835]:/a b/c";
  sent.limit = 2;
  sent.wanted = 7;
  const CoreView got = core_view_from(to_text(sent));
  EXPECT_EQ(got.machine, sent.machine);
  EXPECT_EQ(got.cores, sent.cores);
  EXPECT_EQ(got.quota, sent.quota);
  EXPECT_EQ(got.group, sent.group);
  EXPECT_EQ(got.limit, 2);
  EXPECT_EQ(got.wanted, 7);
  EXPECT_EQ(to_text(core_view_from(to_text(view(0, 1)))), to_text(view(0, 1)));
  EXPECT_THROW(core_view_from("?"), UsageError);
}

TEST(Cores, TheEnvironmentIsRead) {
  std::map<std::string, std::string> variables;
  const auto read = [&] {
    return view_of_cores([&](const char* name) -> const char* {
      const auto found = variables.find(name);
      return found == variables.end() ? nullptr : found->second.c_str();
    });
  };
  EXPECT_EQ(read().limit, 0);
  EXPECT_EQ(read().wanted, 0);
  EXPECT_FALSE(read().machine.empty());

  variables = {{"SLURM_CPUS_PER_TASK", "8"}, {"OMP_NUM_THREADS", "4,2"}};
  EXPECT_EQ(read().limit, 0) << "a batch script has the cores of all its tasks";
  EXPECT_EQ(read().wanted, 4);
  variables["SLURM_STEP_ID"] = "4294967290";  // interactive
  EXPECT_EQ(read().limit, 0);
  variables["SLURM_STEP_ID"] = "0";
  EXPECT_EQ(read().limit, 8);
  variables["LOCAL_WORLD_SIZE"] = "4";
  EXPECT_EQ(read().limit, 2);
  variables["OMP_NUM_THREADS"] = "many";
  EXPECT_EQ(read().wanted, 0);
}

TEST(Cores, OneThatIsBoundSeesNoMore) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  const CoreView all = view_of_cores([](const char*) -> const char* { return nullptr; });
  EXPECT_EQ(all.cores.size(), static_cast<size_t>(CPU_COUNT(&before)));
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(all.cores.back(), &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(usable_cores(), 1);
  EXPECT_EQ(view_of_cores([](const char*) -> const char* { return nullptr; }).cores,
            std::vector<int>{all.cores.back()});
  sched_setaffinity(0, sizeof(before), &before);
}

class Quota : public testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((folder_ / path).parent_path());
    std::ofstream(folder_ / path) << text;
  }

  TestFolder folder_;
};

TEST_F(Quota, OfVersion2) {
  write("proc/self/cgroup", "0::/job/step\n");
  EXPECT_EQ(read_cpu_quota(folder_.path()).cores, 0);
  write("sys/fs/cgroup/job/step/cpu.max", "max 100000\n");
  EXPECT_EQ(read_cpu_quota(folder_.path()).cores, 0);
  write("sys/fs/cgroup/job/cpu.max", "250000 100000\n");
  EXPECT_EQ(read_cpu_quota(folder_.path()).cores, 2.5);
  EXPECT_EQ(read_cpu_quota(folder_.path()).group, ":/job");
  write("sys/fs/cgroup/job/step/cpu.max", "150000 100000\n");
  EXPECT_EQ(read_cpu_quota(folder_.path()).cores, 1.5);
  EXPECT_EQ(read_cpu_quota(folder_.path()).group, ":/job/step");
}

// A container without a namespace for them sees its own group at the root.
TEST_F(Quota, OfAContainer) {
  write("proc/self/cgroup", "0::/docker/0123\n");
  write("sys/fs/cgroup/cpu.max", "400000 100000\n");
  EXPECT_EQ(read_cpu_quota(folder_.path()).cores, 4);
}

TEST_F(Quota, OfVersion1) {
  write("proc/self/cgroup", "5:memory:/x\n4:cpu,cpuacct:/job\n1:name=systemd:/x\n");
  write("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "-1\n");
  write("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(read_cpu_quota(folder_.path()).cores, 0);
  write("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "300000\n");
  EXPECT_EQ(read_cpu_quota(folder_.path()).cores, 3);
}

TEST_F(Quota, WithoutControlGroups) { EXPECT_EQ(read_cpu_quota(folder_.path()).cores, 0); }

}  // namespace
}  // namespace valley::cores_test
