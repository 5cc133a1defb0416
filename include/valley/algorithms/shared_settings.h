#pragma once

#include <string>

#include "valley/algorithms/streaming.h"
#include "valley/compression/payload.h"
#include "valley/core/error.h"
#include "valley/core/settings.h"
#include "valley/schedule/period.h"
#include "valley/schedule/push.h"

/// Settings that several algorithms read.
namespace valley {

inline constexpr Parsed<PeriodSpec> kPeriodText = {&parse_period, &to_string};
inline constexpr Declared kPeriod = {"period", kPeriodText,
                                     "local steps a round: N, post-local:EPOCH:N or qsr:BASE:COEF"};

inline constexpr Declared kCompressRounds = {
    "compress-rounds", CheckedText{&check_compress_rounds},
    "what a round sends: none (the vectors), bf16, fp16, int8, sign, top-k:SHARE or random-k:SHARE",
    kYounger};

inline constexpr Declared kCompress = {
    "compress", CheckedText{&check_compressor},
    "none, bf16, fp16, int8, sign, top-k:SHARE or random-k:SHARE"};

inline constexpr Declared kWire = {
    "wire", CheckedText{&check_wire},
    "how the workers say their mean: none (the values as they are), bf16, fp16, int8, sign, "
    "top-k:SHARE, random-k:SHARE or powersgd-RANK",
    kYounger};

/// What becomes of what the local optimizers remember (momentum, moments) when a round is over.
enum class OptimizerState {
  kLocal,    ///< every worker keeps its own
  kAverage,  ///< all have the mean of all: one more all-reduce, of what they remember
  kReset,    ///< all begin anew
};

inline constexpr OneOf<OptimizerState>::Name kOptimizerStateNames[] = {
    {"local", OptimizerState::kLocal},
    {"average", OptimizerState::kAverage},
    {"reset", OptimizerState::kReset}};
inline constexpr Declared kOptimizerState = {
    "optimizer-state", one_of("optimizer state", kOptimizerStateNames),
    "what the local optimizers remember after a round: local (each its own), average or reset",
    kYounger};

/// @throws UsageError where what is remembered would have to meet in parts, or later than x.
inline void check_optimizer_state(OptimizerState state, const Streaming& streaming) {
  require(state == OptimizerState::kLocal || (streaming.delay == 0 && streaming.fragments == 1),
          "{} {} is of all of a round at once: {} {} does not go with it", Key{"optimizer-state"},
          one_of("", kOptimizerStateNames).spell(state),
          streaming.delay > 0 ? Key{"delay"} : Key{"fragments"},
          streaming.delay > 0 ? streaming.delay : streaming.fragments);
}

enum class PushVariant {
  kSimple,  ///< along u_m = (x_m - x_A) / ||x_m - x_A||
  kExact,   ///< along u_m - mean(u_m), the gradient of the mean distance; leaves x_A where it is
};

inline constexpr OneOf<PushVariant>::Name kPushVariantNames[] = {{"simple", PushVariant::kSimple},
                                                                 {"exact", PushVariant::kExact}};

struct PullPushOptions {
  double pull = 0.1;  ///< alpha, pull strength, in (0, 1]; 1 is plain parameter averaging
  double push = 0.5;  ///< lambda, push strength, >= 0, a distance in parameter space; 0 is off
  bool push_relative = false;  ///< lambda is given in units of ||x_A||
  PushVariant variant = PushVariant::kSimple;
};

inline constexpr Declared kPull = {"pull", in(0, 1).open_below(),
                                   "alpha, pull towards the average, in (0, 1]"};
inline constexpr Declared kPush = {"push", at_least(0),
                                   "lambda, push away from it, a distance; 0 turns it off"};
inline constexpr Declared kPushRelative = {"push-relative", AnyValue(),
                                           "{push} is in units of the average's norm"};
template <typename V>
void visit(PullPushOptions& o, V& v) {
  v(kPull, o.pull);
  v(kPush, o.push);
  v(kPushRelative, o.push_relative);
}

inline constexpr Declared kPushSchedule = {
    "push-schedule", kPushShapes,
    "constant, increasing, decreasing, linear-increasing or linear-decreasing"};

inline constexpr Declared kBucketBytes = {"bucket-bytes", at_least(1),
                                          "gradients travel in buckets of this size"};

inline constexpr Declared kOuterLr = {"outer-lr", above(0).not_given(0),
                                      "learning rate over rounds; 0: the method's own, 1 or 0.7"};
inline constexpr Declared kOuterMomentum = {
    "outer-momentum", in(0, 1).open_above().not_given(-1),
    "momentum over rounds; -1: the method's own, 0.5 or 0.9"};

inline constexpr Declared kOuterRestart = {
    "outer-restart", at_least(0),
    "momentum over rounds begins anew every so many of them; 0: never", kYounger};

inline constexpr Declared kExchangeShare = {
    "exchange-share", in(0, 1).open_below(),
    "share of the values that meet in a step, at random places, in (0, 1]", kYounger};

inline constexpr Declared kParticipate = {
    "participate", in(0, 1).open_below(),
    "share of the workers that take part in a round, in (0, 1], drawn anew for each", kYounger};

inline constexpr Declared kFade = {
    "fade", at_least(0).not_given(-1),
    "pull or mixing falls as (learning rate / its highest)^p; 0: it stays; -1: the method's own, 0 "
    "or 3",
    kYounger};
inline constexpr Declared kFadeTo = {"fade-to", in(0, 1), "the least that {fade} leaves of it",
                                     kYounger};

/// In which order a decentralised step mixes and steps; see dpsgd.h.
enum class MixingOrder { kAwc, kAtc, kCta };

inline constexpr OneOf<MixingOrder>::Name kMixingOrderNames[] = {
    {"awc", MixingOrder::kAwc}, {"atc", MixingOrder::kAtc}, {"cta", MixingOrder::kCta}};
inline constexpr auto kMixingOrders = one_of("mixing order", kMixingOrderNames);

inline constexpr Declared kTopology = {"topology", AnyValue(),
                                       "who talks to whom; see `valley list topologies`"};
inline constexpr Declared kMixing = {
    "mixing", kMixingOrders,
    "awc (mix while the gradient is computed), atc (after the step) or cta (before the gradient)"};
inline constexpr Declared kLazy = {"lazy", AnyValue(), "mix with (I + P) / 2"};

}  // namespace valley
