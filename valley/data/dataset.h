#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace valley {

/// Labelled examples, whole in memory, once per process: worker threads share one Dataset.
///
/// Every input is [C, H, W]. A convolutional network reads it as an image of C channels; a model of
/// sequences (lstm) reads its rows from top to bottom, H steps of C W values each, so that any set
/// serves it: 28 steps of 28 values for MNIST, 32 of 96 for CIFAR, the 64 frames of fsdd.
struct Dataset {
  at::Tensor inputs;   ///< [N, C, H, W] uint8 (images as bytes), or float32
  at::Tensor targets;  ///< [N] int64, in [0, classes)
  int64_t classes = 0;
  /// [C], of the whole training split before --train-samples, bytes scaled to [0, 1]; train and
  /// test hold the same. Synthetic data, and data normalised otherwise (fsdd): 0 and 1.
  std::vector<float> mean, stddev;

  int64_t size() const { return inputs.size(0); }
};

struct DataSplits {
  std::shared_ptr<const Dataset> train, test;
};

struct DataOptions {
  int64_t train_samples = 0;  ///< keep only this many, balanced draw by seed; 0 = all. Synthetic
                              ///< data is made in this size
  int64_t test_samples = 0;   ///< likewise
  uint64_t seed = 0;          ///< of the draw and of synthetic data
};

struct DataEntry {
  std::string name;
  std::string summary;
  std::string default_path;  ///< "" where a path must be given or none is needed
  DataSplits (*load)(const std::string& path, const DataOptions&);  ///< the whole set
  bool needs_path = false;

  bool takes_path() const { return needs_path || !default_path.empty(); }
};

/// Every data set by name; `valley list data`, --help and the tests read this table.
const std::vector<DataEntry>& datasets();

/// "fashion-mnist", "mnist:PATH", "cifar10:PATH", ... as --data takes it.
/// @throws UsageError for an unknown name, missing files (says which path, which package), files
///     with a wrong magic number or cut short, or more samples asked for than there are.
DataSplits load_data(const std::string& name_and_path, const DataOptions& options);

}  // namespace valley
