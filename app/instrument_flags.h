#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "valley/data/attack_options.h"
#include "valley/instruments/duality_options.h"
#include "valley/instruments/dynamics_options.h"
#include "valley/instruments/landscape_options.h"
#include "valley/instruments/sharpness_options.h"

/// The flags of the commands that look at finished runs.
namespace valley::app {

struct InstrumentFlags {
  std::vector<std::string> runs;
  int64_t workers = 0;
  std::string device = "cpu";
  bool json = false;
  bool quiet = false;

  int threads() const { return static_cast<int>(workers); }
};

struct SharpnessFlags : InstrumentFlags {
  SharpnessOptions options;
  std::string out;
};

struct LandscapeFlags : InstrumentFlags {
  bool line = false;  ///< from one run to another; options.plane means nothing then
  double span = 0;
  LandscapeOptions options;
};

struct DynamicsFlags : InstrumentFlags {
  DynamicsOptions options;
};

struct DualityFlags : InstrumentFlags {
  DualityOptions options;
};

struct EvaluateFlags : InstrumentFlags {
  std::string data;      ///< other than the run's own
  int64_t worker = -1;   ///< this one's weights, not the average
  std::string weights;   ///< those of this file of tensors
  bool classes = false;  ///< each class by itself, too
  AttackSpec attack;     ///< and the scores under it
};

struct PredictFlags : InstrumentFlags {
  std::vector<std::string> files;
  std::string prompt;      ///< a text to go on with
  int64_t length = 0;      ///< so many tokens
  double temperature = 0;  ///< 0: the likeliest token each time
  int64_t seed = 0;
};

struct StudyFlags : InstrumentFlags {
  std::string recipe, out;
  bool print_runs = false;
};

void add_run_flags(CLI::App& command, InstrumentFlags& flags);

/// @throws UsageError if one is out of range.
void check(const InstrumentFlags& flags);

/// A flag of one name of a few; --help shows its default.
template <typename Enum>
void add_name(CLI::App& command, const std::string& flag, Enum& value,
              Enum (*parse)(const std::string&), const std::string& help) {
  command
      .add_option_function<std::string>(
          flag, [&value, parse](const std::string& text) { value = parse(text); }, help)
      ->default_str(std::string(name(value)));
}

}  // namespace valley::app
