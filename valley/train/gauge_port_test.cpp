#include "valley/train/gauge_port.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "valley/comm/testing/stranger.h"
#include "valley/core/clock.h"
#include "valley/core/error.h"
#include "valley/train/metrics_place.h"

namespace valley::gauge_port_test {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

int some_port() { return port_of(listen_at("127.0.0.1", 0)); }

std::string answer(int port, const std::string& request) {
  const Stranger one(port);
  one.say(request);
  return one.hear();
}

std::string refusal(const std::string& place) {
  try {
    require_free_port(place);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "nothing";
}

TEST(GaugePort, AnswersWithTheLastText) {
  const int port = some_port();
  GaugePort gauges(std::to_string(port));
  EXPECT_THAT(answer(port, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"), EndsWith("\r\n\r\n"));
  for (const std::string text : {"valley_steps 1\n", "valley_steps 22\n"}) {
    gauges.show(text);
    EXPECT_EQ(answer(port, "GET /metrics?x=y HTTP/1.1\r\nHost: x\r\n\r\n"),
              fmt::format("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; "
                          "charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
                          text.size(), text));
  }
  const std::string large(10 << 20, 'x');  // more than the kernel takes at once
  gauges.show(large);
  EXPECT_THAT(answer(port, "GET /metrics HTTP/1.0\r\n\r\n"), EndsWith("\r\n\r\n" + large));
  EXPECT_THAT(answer(port, "GET / HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(answer(port, "POST /metrics HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 405 "));
}

TEST(GaugePort, WhoSaysNothingOrTooMuchKeepsNobodyOut) {
  const int port = some_port();
  GaugePort gauges(std::to_string(port));
  gauges.show("valley_steps 1\n");
  std::vector<Stranger> crowd;
  for (int i = 0; i < 50; ++i) crowd.emplace_back(port);
  crowd[49].say("GET /metr");
  const double start = now_seconds();
  EXPECT_THAT(answer(port, "GET /metrics HTTP/1.1\r\n\r\n"), EndsWith("valley_steps 1\n"));
  EXPECT_LT(now_seconds() - start, 4);
  EXPECT_EQ(answer(port, "GET /metrics HTTP/1.1\r\n" + std::string(100'000, 'x')), "");
  EXPECT_EQ(crowd[49].hear(), "");  // its time is over
}

TEST(GaugePort, WhatCannotBeHadIsSaid) {
  const int port = some_port();
  const std::string place = std::to_string(port);
  EXPECT_EQ(refusal(place), "nothing");
  EXPECT_EQ(refusal(""), "nothing");
  {
    const GaugePort taken(place);
    EXPECT_EQ(refusal(place),
              "metrics-port " + place + ": cannot listen at 127.0.0.1: Address already in use");
  }
  EXPECT_EQ(refusal("127.0.0.1:" + place), "nothing");  // it ends with its owner
  EXPECT_THAT(refusal("192.0.2.1:" + place), HasSubstr("metrics-port 192.0.2.1:" + place + ": "));
}

TEST(GaugePort, PlacesAreRead) {
  EXPECT_EQ(metrics_place("9100").host, "127.0.0.1");
  EXPECT_EQ(metrics_place("9100").port, 9100);
  EXPECT_EQ(metrics_place("[::1]:1").host, "::1");
  EXPECT_EQ(metrics_place("0.0.0.0:65535").port, 65535);
  for (const std::string bad : {"0", "-1", "65536", "host", "10.0.0.1"}) {
    try {
      metrics_place(bad);
      FAIL() << bad;
    } catch (const UsageError& error) {
      EXPECT_THAT(error.what(), StartsWith("metrics-port must be PORT or ADDRESS:PORT")) << bad;
    }
  }
  EXPECT_THAT(refusal("host:70000"), StartsWith("metrics-port"));
}

}  // namespace
}  // namespace valley::gauge_port_test
