#include <map>

#include "tests/fuzz/fuzzer.h"
#include "valley/comm/rendezvous.h"

using namespace valley;

// Lines "NAME=VALUE": what a launcher leaves in the environment.
VALLEY_FUZZER(environment) {
  std::map<std::string, std::string> variables;
  while (!bytes.empty()) {
    const std::string line(bytes.substr(0, bytes.find('\n')));
    bytes.remove_prefix(std::min(line.size() + 1, bytes.size()));
    const size_t equals = std::min(line.find('='), line.size());
    variables[line.substr(0, equals)] = line.substr(std::min(equals + 1, line.size()));
  }
  const Getenv getenv = [&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
  return fuzz::taken([&] {
    const auto environment = read_environment(getenv);
    if (!environment) return;
    const JoinOptions options = join_options(*environment, 1);
    fuzz::expect(0 <= options.rank && options.rank < options.size, "the rank");
    fuzz::expect(0 <= options.local_rank, "the rank on this machine");
    fuzz::expect(1 <= options.master_port && options.master_port <= 65535, "the port");
  });
}
