#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "app/commands.h"
#include "app/paths.h"
#include "valley/core/atomic_file.h"
#include "valley/core/error.h"
#include "valley/record/units.h"
#include "valley/report/page.h"
#include "valley/report/study.h"

namespace valley::app {
namespace {

namespace fs = std::filesystem;

struct ReportFlags {
  std::vector<std::string> runs;
  std::string out;
  std::string title;
};

// Into the folder the report is about; where there are several, here.
std::string default_file(const std::vector<std::string>& runs) {
  const fs::path name(RunFolder::kReport);
  return (runs.size() == 1 ? fs::path(runs.front()) / name : name).string();
}

int report(const ReportFlags& flags) {
  require(!flags.runs.empty(), "give the folders of runs");
  const auto folders = find_runs(flags.runs);
  const std::string out = flags.out.empty() ? default_file(flags.runs) : flags.out;
  std::error_code error;
  require(!fs::is_directory(out, error), "--out must name a file, {} is a folder", out);
  std::vector<ReportRun> runs;
  for (const auto& folder : folders) {
    runs.push_back(read_report_run(folder, limits_for(folders.size())));
  }
  PageOptions options{.title = flags.title};
  options.studies = read_studies(flags.runs, options.damages);
  std::vector<std::string> damages = options.damages;
  for (const ReportRun& run : runs) {
    damages.insert(damages.end(), run.damages.begin(), run.damages.end());
  }
  for (const std::string& damage : damages) std::cerr << "left out: " + damage + "\n";
  const std::string page = report_page(runs, options);
  write_atomically(out, page);
  std::cout << fmt::format("{} {}, {}: written to {}\n", runs.size(),
                           runs.size() == 1 ? "run" : "runs",
                           format_bytes(static_cast<int64_t>(page.size())), out);
  return 0;
}

}  // namespace

Command add_report(CLI::App& program) {
  auto* command =
      program.add_subcommand("report", "make one HTML file of runs, to look at and pass on");
  auto flags = std::make_shared<ReportFlags>();
  as_path(command->add_option("runs", flags->runs, "run folders, or folders that hold some"));
  as_path(command->add_option("--out", flags->out,
                              "the file; default: report.html in the folder, or here for several"));
  command->add_option("--title", flags->title, "default: model, data and workers");
  command->footer(
      "The file opens in any browser and needs no network. Runs that differ in their seed only\n"
      "are drawn as mean and range. Examples:\n"
      "  valley report runs/dppf-lenet-seed0\n"
      "  valley report runs/compare --title \"Three methods\"\n"
      "  valley report runs/a runs/b --out ab.html");
  return [flags] { return report(*flags); };
}

}  // namespace valley::app
