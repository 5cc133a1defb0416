#include "tests/fuzz/fuzzer.h"
#include "valley/record/config_file.h"
#include "valley/train/run_config.h"

using namespace valley;

// What is read can be written, and is the same again; a run's settings are made of it.
VALLEY_FUZZER(config) {
  return fuzz::taken([&] {
    const Config config = parse_config(bytes, "a.toml");
    const std::string text = to_toml(config);
    fuzz::expect(to_toml(parse_config(text, "again.toml")) == text, "the configuration");
    RunConfig run;
    apply_config(config, "a.toml", run);
    const std::string recorded = to_toml(to_config(run));
    RunConfig again;
    apply_config(parse_config(recorded, "config.toml"), "config.toml", again);
    fuzz::expect(to_toml(to_config(again)) == recorded, "the run's settings");
    for (const Setting& setting : settings_of(run)) setting.check();
  });
}
