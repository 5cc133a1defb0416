#include <CLI/CLI.hpp>
#include <cmath>
#include <memory>
#include <optional>

#include "app/commands.h"
#include "app/instrument_flags.h"
#include "app/numbers.h"
#include "valley/core/error.h"
#include "valley/core/names.h"

namespace valley::app {
namespace {

constexpr PlaneKind kPlanes[] = {PlaneKind::kAverage, PlaneKind::kWorkers, PlaneKind::kSpread,
                                 PlaneKind::kRandom};

// What --plane names; nothing: a line.
std::optional<PlaneKind> parse_plane(const std::string& text) {
  const size_t place = choose("--plane", text, {"average", "workers", "spread", "random", "line"});
  return place < std::size(kPlanes) ? std::optional(kPlanes[place]) : std::nullopt;
}

}  // namespace

Command add_landscape(CLI::App& program, Engine& engine) {
  auto* command = program.add_subcommand(
      "landscape", "survey the loss around the minimum that a finished run found");
  auto flags = std::make_shared<LandscapeFlags>();
  auto plane = std::make_shared<std::string>("average");
  add_run_flags(*command, *flags);
  add_number(*command, "--samples", flags->options.samples,
             "examples the loss is taken over, of every class its share; 0: all");
  add_number(*command, "--seed", flags->options.seed, "of the examples and the random directions");
  command
      ->add_option("--plane", *plane,
                   "average: through the average and two workers; workers: through three; spread: "
                   "the two directions in which the workers differ most; random: two random ones, "
                   "every filter of its own length; line: from one run to another")
      ->capture_default_str();
  command->add_option("--through", flags->options.through, "which workers, separated by commas")
      ->delimiter(',')
      ->check([](const std::string& text) { return check_whole_number("--through", text); });
  add_number(*command, "--points", flags->options.points, "along each axis");
  add_number(*command, "--span", flags->span,
             "the axes go from -span to span; 0: twice as far as the workers, of all runs");
  add_name(*command, "--split", flags->options.split, &parse_split, "train or test");
  add_name(*command, "--batch-norm", flags->options.batch_norm, &parse_batch_norm,
           "probe: statistics re-estimated at every point; average: those of the average");
  command->footer(
      "Writes landscape.json and landscape.svg into every run folder, landscape-PLANE.json and "
      ".svg\n"
      "for another plane than average, and line.json and line.svg for a line. Examples:\n"
      "  valley landscape runs/first\n"
      "  valley landscape runs/compare --plane spread --points 31 --samples 0\n"
      "  valley landscape runs/a runs/b --plane line");
  return [flags, plane, &engine] {
    const std::optional<PlaneKind> kind = parse_plane(*plane);
    LandscapeOptions& options = flags->options;
    flags->line = !kind;
    options.plane = kind.value_or(PlaneKind::kAverage);
    require(kind || options.through.empty(), "--through: --plane line takes no workers, got {}",
            options.through.size());
    check(options);
    require(flags->span >= 0 && std::isfinite(flags->span), "--span must be at least 0, got {}",
            flags->span);
    check(*flags);
    return engine.landscape(*flags);
  };
}

}  // namespace valley::app
