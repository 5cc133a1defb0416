#include "valley/core/device_name.h"

#include <gtest/gtest.h>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"

namespace valley::device_name_test {
namespace {

TEST(DeviceNames, AreRead) {
  EXPECT_EQ(parse_device_name("cpu").kind, DeviceName::kCpu);
  EXPECT_EQ(parse_device_name("auto").kind, DeviceName::kAuto);
  EXPECT_EQ(parse_device_name("cuda").kind, DeviceName::kCuda);
  EXPECT_FALSE(parse_device_name("cuda").number.has_value());
  EXPECT_EQ(parse_device_name("cuda:0").number, 0);
  EXPECT_EQ(parse_device_name("cuda:12").number, 12);
}

TEST(DeviceNames, OthersAreRefused) {
  for (const std::string text :
       {"", "gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", "cuda:128", "CPU", "cpu:0"}) {
    EXPECT_EQ(error_of<UsageError>([&] { check_device_name(text); }),
              "device must be cpu, cuda, cuda:N or auto, got '" + text + "'");
  }
}

}  // namespace
}  // namespace valley::device_name_test
