#include "valley/comm/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"

namespace valley::address_test {
namespace {

std::string read(const std::string& text) {
  const HostPort read = parse_host_port("MASTER_ADDR", text);
  return fmt::format("{} {}", read.host, read.port);
}

TEST(Address, FormsThatPeopleWrite) {
  EXPECT_EQ(read("node-1.example.org"), "node-1.example.org 0");
  EXPECT_EQ(read("10.0.0.1"), "10.0.0.1 0");
  EXPECT_EQ(read("10.0.0.1:29500"), "10.0.0.1 29500");
  EXPECT_EQ(read("tcp://node1:1"), "node1 1");
  EXPECT_EQ(read("fd00::1"), "fd00::1 0");
  EXPECT_EQ(read("[::1]"), "::1 0");
  EXPECT_EQ(read("[fe80::1%eth0]:65535"), "fe80::1%eth0 65535");
  EXPECT_EQ(read("tcp://[fd00::1]:29500"), "fd00::1 29500");
}

TEST(Address, OtherFormsAreRefused) {
  const auto refusal = [](const std::string& text) {
    return error_of<UsageError>([&] { read(text); });
  };
  EXPECT_EQ(refusal("http://node1"), "MASTER_ADDR takes no scheme but tcp://, got 'http://node1'");
  EXPECT_EQ(refusal("env://"), "MASTER_ADDR takes no scheme but tcp://, got 'env://'");
  EXPECT_EQ(refusal("[::1"), "MASTER_ADDR lacks the closing bracket, got '[::1'");
  EXPECT_EQ(refusal("[::1]29500"),
            "MASTER_ADDR may have only :PORT behind the bracket, got '[::1]29500'");
  const std::string ipv6 = "MASTER_ADDR must be HOST, HOST:PORT, an IPv6 address or [IPv6]:PORT";
  for (const std::string text : {"[node1]", "fd00::xy", "a:1:2", "fe80::1%"})
    EXPECT_EQ(refusal(text), fmt::format("{}, got '{}'", ipv6, text));
  for (const std::string text : {"", ":29500", " node1", "node1,node2", "node1/path", "a@b"}) {
    EXPECT_EQ(
        refusal(text),
        fmt::format("MASTER_ADDR must be the name or the address of one host, got '{}'", text));
  }
  for (const std::string text : {"node1:", "node1:0", "node1:65536", "[::1]:x", "node1:29500/"}) {
    EXPECT_EQ(refusal(text),
              fmt::format("MASTER_ADDR must have a port in [1, 65535], got '{}'", text));
  }
}

TEST(Address, IsWrittenAsItIsRead) {
  EXPECT_EQ(host_and_port("node1", 5), "node1:5");
  EXPECT_EQ(host_and_port("fd00::1", 5), "[fd00::1]:5");
}

TEST(Address, Kinds) {
  EXPECT_TRUE(is_loopback("127.0.1.1"));
  EXPECT_TRUE(is_loopback("::1"));
  EXPECT_FALSE(is_loopback("10.127.0.1"));
  EXPECT_TRUE(is_ipv6("fd00::1"));
  EXPECT_FALSE(is_ipv6("10.0.0.1"));
  EXPECT_TRUE(is_own_address("127.0.0.1"));
  EXPECT_TRUE(is_own_address("127.0.1.1"));
  EXPECT_FALSE(is_own_address("192.0.2.1")) << "an address of documents, nobody's";
  EXPECT_FALSE(is_own_address("localhost")) << "no number";
}

TEST(Address, OfAnInterface) {
  EXPECT_EQ(interface_of("127.0.0.1"), "lo");
  EXPECT_EQ(interface_of("192.0.2.1"), "");
  EXPECT_EQ(address_of_interface("lo", "", "10.0.0.1"), "127.0.0.1");
  EXPECT_EQ(address_of_interface("none0,lo", "", "10.0.0.1"), "127.0.0.1");
  EXPECT_THAT(error_of<UsageError>([] { address_of_interface("none0", "--interface none0", ""); }),
              testing::MatchesRegex("--interface none0: no such network interface is up and has an "
                                    "address; here are .*lo \\(127\\.0\\.0\\.1.*\\).*"));
}

TEST(Address, RoutesToThisMachine) {
  const Route route = find_route("127.0.0.1");
  EXPECT_EQ(route.local, "127.0.0.1");
  EXPECT_EQ(route.remote, "127.0.0.1");
}

TEST(Address, ReasonsWhyAHostIsNotReached) {
  // Names that end in .invalid never exist; which words say so is up to the resolver.
  for (const Route& route : {find_route("nobody.invalid"), try_to_connect("nobody.invalid", 1)}) {
    EXPECT_FALSE(route.reached());
    EXPECT_FALSE(route.resolved);
    EXPECT_NE(route.reason, "");
  }
  const Route refused = try_to_connect("127.0.0.1", 1);
  EXPECT_FALSE(refused.reached());
  EXPECT_TRUE(refused.resolved);
  EXPECT_EQ(refused.reason, "Connection refused");
}

}  // namespace
}  // namespace valley::address_test
