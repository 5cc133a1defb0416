#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace valley {

/// How many local steps lie between two rounds.
///
///     N                    constant: N
///     post-local:EPOCH:N   1 until epoch EPOCH (counted from 0), then N
///     qsr:BASE:COEF        H = max(BASE, floor((COEF / lr)^2)), the quadratic synchronisation
///     rule;
///                          BASE while the learning rate warms up
///
/// The rule is made for a rate that falls: the small rates of a warm-up would ask for periods as
/// long as those of the end, so that, as with its authors, the base period holds meanwhile.
///
/// Reference of qsr: Gu, Lyu, Arora, Zhang and Huang, "A Quadratic Synchronization Rule for
/// Distributed Deep Learning", 2024, arXiv:2310.14423.
struct PeriodSpec {
  enum class Kind { kConstant, kPostLocal, kQsr };

  Kind kind = Kind::kConstant;
  int64_t base = 4;          ///< N, or BASE of qsr; at least 1
  int64_t switch_epoch = 0;  ///< EPOCH of post-local
  double coefficient = 0.2;  ///< COEF of qsr, in units of the learning rate; > 0

  bool operator==(const PeriodSpec&) const = default;
};

/// @throws UsageError if the text has none of the three forms or a number is out of range.
PeriodSpec parse_period(std::string_view text);

/// The text that parse_period() reads back to the same value.
std::string to_string(const PeriodSpec& spec);

/// max(base, floor((coefficient / lr)^2)), at most `steps_left`; a rate of 0 gives `steps_left`.
int64_t qsr_period(int64_t base, double coefficient, double lr, int64_t steps_left);

/// Says after which local steps the workers meet. Every worker has its own and all agree, because
/// it depends on nothing but the step.
///
///     RoundClock clock(parse_period("4"), total_steps, steps_per_epoch,
///                      [&](int64_t step) { return schedule.at(step); });
///     for (int64_t k = 0; k < total_steps; ++k) {
///       ... the local step k ...
///       if (clock.tick()) ... the round ...
///     }
///     if (clock.final_average_needed()) ... a plain average of the workers ...
///
/// The first round comes after `period` local steps. The period is chosen anew only right after a
/// round, from the epoch and the learning rate of the next step. A constant and a post-local
/// period leave a rest at the end when they do not divide the run: rounds = floor(K / N), and
/// final_average_needed(). The last period of qsr is clipped to the steps left, so that its last
/// round falls on the last step. A period of qsr that begins within the warm-up is the base period.
class RoundClock {
 public:
  /// What a checkpoint stores.
  struct State {
    int64_t step = 0;      ///< local steps done
    int64_t period = 0;    ///< the period in force
    int64_t position = 0;  ///< local steps since the last round
    int64_t rounds = 0;    ///< rounds done

    bool operator==(const State&) const = default;
  };

  /// `learning_rate` maps a step to its rate, the first `warmup_steps` of which warm up; only qsr
  /// asks for either, and they may be left out otherwise.
  /// @throws UsageError if a number is out of range.
  RoundClock(PeriodSpec spec, int64_t total_steps, int64_t steps_per_epoch,
             std::function<double(int64_t)> learning_rate = {}, int64_t warmup_steps = 0);

  /// To be called after every local step; true if a round takes place now.
  bool tick();

  int64_t period() const { return state_.period; }      ///< the one in force
  int64_t position() const { return state_.position; }  ///< local steps since the last round
  int64_t rounds() const { return state_.rounds; }      ///< rounds so far, this one included

  /// Whether the workers have moved since they last met. Asked after the last step.
  bool final_average_needed() const { return state_.position != 0; }

  const State& state() const { return state_; }

  /// Begins at `step`, as if the workers had just met there: for a run that goes on with another
  /// number of workers.
  void start_at(int64_t step);

  /// Goes on where `state` was taken.
  /// @throws UsageError if the state cannot belong to a run of this many steps.
  void set_state(const State& state);

 private:
  int64_t choose_period() const;

  PeriodSpec spec_;
  int64_t total_steps_;
  int64_t steps_per_epoch_;
  std::function<double(int64_t)> learning_rate_;
  int64_t warmup_steps_;
  State state_;
};

}  // namespace valley
