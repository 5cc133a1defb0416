#include "app/data.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

#include "app/commands.h"
#include "app/options.h"
#include "app/paths.h"
#include "valley/core/error.h"
#include "valley/data/data_names.h"
#include "valley/train/config_paths.h"

namespace valley::app {
namespace {

// The settings that say which data a worker would see.
const std::vector<std::string> kOfData = {
    "train-samples", "test-samples", "data-seed",         "target", "image-size",
    "strict",        "partition",    "workers",           "seed",   "task",
    "context",       "vocabulary",   "validation-samples"};

}  // namespace

Command add_data(CLI::App& program, Engine& engine) {
  auto* command = program.add_subcommand("data", "look at a data set before training on it");
  auto request = std::make_shared<DataRequest>();
  auto name = std::make_shared<std::string>();
  command->add_option("name", *name, "NAME or NAME:PATH, as --data of `valley train` has it");
  add_config_options(*command, request->config, settings_but(kOfData));
  as_path(command->add_option("--sheet", request->sheet,
                              "write a picture of examples of every class to this PNG file"));
  command->add_flag("--json", request->json, "print what is found as JSON");
  command->footer(
      "Examples:\n"
      "  valley data images:photos --image-size 64 --sheet photos.png\n"
      "  valley data table:houses.csv --target price --task regression\n"
      "  valley data fashion-mnist --partition dirichlet:0.3 --workers 4");
  return [command, request, name, &engine] {
    require(!name->empty(), "give a data set; `valley list data` shows all");
    request->config = resolve_config(*command, request->config, "");
    request->config.data = expand_home_in_setting("data", *name, "name");
    find_data(request->config.data);
    require(request->sheet.empty() || std::filesystem::path(request->sheet).extension() == ".png",
            "--sheet {}: the picture is a PNG file, name it so", request->sheet);
    return engine.data(*request);
  };
}

}  // namespace valley::app
