#include "app/bench.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "app/engine/engine.h"
#include "app/engine/processes.h"
#include "valley/comm/agreement.h"
#include "valley/comm/backends.h"
#include "valley/comm/group.h"
#include "valley/comm/launcher.h"
#include "valley/core/error.h"
#include "valley/picture/table.h"
#include "valley/record/json_file.h"
#include "valley/record/units.h"
#include "valley/train/round_bench.h"

namespace valley::app {
namespace {

void add_bytes(Json& json, int64_t payload, const std::optional<Traffic>& traffic) {
  json["payload"] = payload;
  if (traffic) json["sent"] = traffic->sent, json["acknowledged"] = traffic->acknowledged;
}

Json to_json(const RoundTimes& times) {
  Json json = {{"workers", times.workers}, {"parameters", times.parameters},
               {"round", times.round},     {"all_reduce", times.all_reduce},
               {"pass", times.pass},       {"copy", times.copy},
               {"floor", times.floor()},   {"round_over_floor", times.round / times.floor()}};
  add_bytes(json, times.payload, times.traffic);
  for (const OperationTime& operation : times.operations) {
    Json& one = json["operations"].emplace_back(
        Json{{"name", operation.name}, {"seconds", operation.seconds}});
    add_bytes(one, operation.payload, operation.traffic);
  }
  return json;
}

std::string factor(int64_t payload, const std::optional<Traffic>& traffic) {
  if (!traffic || payload == 0) return "";
  return fmt::format("{:.4f}", double(traffic->sent) / double(payload));
}

std::vector<std::string> bytes_cells(int64_t payload, const std::optional<Traffic>& traffic) {
  return {format_bytes(payload), traffic ? format_bytes(traffic->sent) : "",
          traffic ? format_bytes(traffic->acknowledged) : "", factor(payload, traffic)};
}

std::string tables(const std::vector<RoundTimes>& all, const RunConfig& config,
                   std::string_view backend) {
  std::string text = fmt::format("rounds of {} on {}, medians\n\n", config.algorithm, backend);
  Table rounds({{"workers"},
                {"parameters"},
                {"round"},
                {"all-reduce"},
                {"pass"},
                {"copy"},
                {"round / floor"},
                {"payload"},
                {"sent"},
                {"confirmed"},
                {"sent / payload"}});
  for (const RoundTimes& t : all) {
    std::vector<std::string> row = {fmt::format("{}", t.workers),
                                    format_count(t.parameters),
                                    format_seconds(t.round),
                                    format_seconds(t.all_reduce),
                                    format_seconds(t.pass),
                                    format_seconds(t.copy),
                                    fmt::format("{:.2f}", t.round / t.floor())};
    for (const auto& cell : bytes_cells(t.payload, t.traffic)) row.push_back(cell);
    rounds.add_row(row);
  }
  const RoundTimes& last = all.back();
  Table operations(
      {{fmt::format("{} workers, {} values", last.workers, format_count(last.parameters))},
       {"seconds"},
       {"payload"},
       {"sent"},
       {"confirmed"},
       {"sent / payload"}});
  for (const OperationTime& operation : last.operations) {
    std::vector<std::string> row = {operation.name, format_seconds(operation.seconds)};
    for (const auto& cell : bytes_cells(operation.payload, operation.traffic)) row.push_back(cell);
    operations.add_row(row);
  }
  return text + rounds.to_string() + "\n" + operations.to_string() +
         "\nfloor: " + (last.shares_memory ? "1.5 copies" : "all-reduce + pass") +
         ". What MPI, threads or LibTorch's groups send nobody counts.\n";
}

void print(const std::vector<RoundTimes>& all, const BenchRequest& request,
           std::string_view backend) {
  if (!request.json) {
    std::cout << tables(all, request.config, backend);
    return;
  }
  Json json = {{"algorithm", request.config.algorithm}, {"backend", backend}, {"rounds", {}}};
  json["rounds"] = Json::array();
  for (const RoundTimes& times : all) json["rounds"].push_back(to_json(times));
  std::cout << json.dump(2) << "\n";
}

// Every worker alike; the first speaks.
void bench_as_worker(const BenchRequest& request, Communicator& comm) {
  const auto threads = static_cast<int>(std::max<int64_t>(1, request.config.threads));
  at::set_num_threads(threads);
  const auto all = bench_rounds(request.config, request.options, comm);
  if (comm.rank() == 0) print(all, request, comm.backend());
}

std::vector<std::string> own_arguments() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> arguments;
  for (std::string text; std::getline(file, text, '\0');) arguments.push_back(text);
  arguments.front() = "/proc/self/exe";
  return arguments;
}

}  // namespace

int bench(const BenchRequest& request) {
  const RunConfig& config = request.config;
  const std::string token = job_token(config);
  if (request.environment) {
    const auto comm = choose_backend(config.backend, "processes")
                          .join(job_join_options(config, *request.environment, token));
    bench_as_worker(request, *comm);
    return 0;
  }
  if (config.launch == Launch::kProcesses) {
    LaunchOptions options;
    options.workers = static_cast<int>(config.workers);
    options.command = own_arguments();
    options.token = token;
    options.grace_seconds = config.timeout + 10;
    options.on_event = [](const LaunchEvent& event) {
      std::cerr << "valley: " + text(event) + "\n";
    };
    return launch_processes(options).exit_code();
  }
  run_group(
      choose_backend(config.backend, "threads"), static_cast<int>(config.workers),
      [&](Communicator& comm) { bench_as_worker(request, comm); }, config.timeout);
  return 0;
}

}  // namespace valley::app
