#pragma once

#include <string>

#include "valley/train/run_config.h"

/// What the tests of this room share.
namespace valley {

/// Fifteen steps of three workers, in milliseconds.
inline RunConfig tiny_run(const std::string& out) {
  RunConfig config;
  config.data = "blobs";
  config.train_samples = 120;
  config.test_samples = 40;
  config.model = "mlp";
  config.workers = 3;
  config.epochs = 2;
  config.batch_size = 8;
  config.decay_rule = DecayRule::kMatrices;
  config.optimizer.weight_decay = 0.01;
  set(config, "push", 0.2);
  config.seed = 5;
  config.out = out;
  config.threads = 1;
  return config;
}

}  // namespace valley
