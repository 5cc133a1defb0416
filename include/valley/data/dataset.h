#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "valley/data/data_names.h"
#include "valley/data/options.h"

namespace valley {

class Vocabulary;
struct DataSplits;

/// Reads other files the way a data set was read, for a model that was trained on it.
class ExampleReader {
 public:
  virtual ~ExampleReader() = default;

  /// The examples of a file [N, ...], as the inputs of the data set are. @throws UsageError
  virtual at::Tensor read(const std::string& path) const = 0;

  /// Other data of the same kind at a path, to test the model on: inputs and targets as those of
  /// the data set, whatever texts and numbers the others have. @throws UsageError
  virtual DataSplits splits(const std::string& path, const DataOptions& options) const = 0;

  /// What the output k of a model stands for, in the units that the file of the data set has.
  virtual double value(size_t k, double output) const {
    (void)k;
    return output;
  }
};

/// Labelled examples, whole in memory, once per process: worker threads share one Dataset.
///
/// Every input is [C, H, W]. A convolutional network reads it as an image of C channels; a model of
/// sequences (lstm) reads its rows from top to bottom, H steps of C W values each, so that any set
/// serves it: 28 steps of 28 values for MNIST, 32 of 96 for CIFAR, the 64 frames of fsdd.
///
/// Of text every input is [T], so many tokens in their order: whole numbers that stand for
/// something, and are given to a model as they are.
struct Dataset {
  /// [N, C, H, W] uint8 (images as bytes), or any other type of real numbers that is read without
  /// loss of more than rounding: float16/32/64, int8 to int64. May be the view of a file.
  /// Of text [N, T], uint8 or int8 to int64, in [0, vocabulary).
  at::Tensor inputs;
  /// [N] int64, in [0, classes); or what another task asks for, [N, ...], contiguous: of text
  /// the next tokens [N, T], of many labels [N, C] float32 of 0 and 1. Then no example has a class:
  /// partitions but iid are refused, and samples are drawn unbalanced.
  at::Tensor targets;
  int64_t classes = 0;  ///< how many, and so how many outputs a network is to have
  std::vector<std::string> class_names = {};  ///< where they have names; else empty
  /// [C], of the whole training split before --train-samples, bytes scaled to [0, 1]; train and
  /// test hold the same. Synthetic data, and data normalised otherwise (fsdd): 0 and 1.
  std::vector<float> mean, stddev;
  int64_t vocabulary = 0;  ///< of text: how many tokens there are; 0: the inputs are values
  /// Of a training set: examples that were set aside of it (--validation-samples), none of which it
  /// has itself; null where there are none.
  std::shared_ptr<const Dataset> validation = {};
  /// Where others than files of pictures, of numpy and of text hold such examples (a table).
  std::shared_ptr<const ExampleReader> reader = {};
  /// Of text: what its tokens stand for; null: for bytes.
  std::shared_ptr<const Vocabulary> words = {};
  /// [N] int64, who each example is of (a speaker, a maintainer), where that is known: examples of
  /// one are not dealt to several workers (--partition origin).
  at::Tensor origins = {};

  bool is_text() const { return vocabulary > 0; }
  int64_t size() const { return inputs.size(0); }
};

struct DataSplits {
  std::shared_ptr<const Dataset> train, test;
};

/// Whether every example has a class.
inline bool has_classes(const at::Tensor& targets) {
  return targets.scalar_type() == at::kLong && targets.dim() == 1;
}

/// What find_data() finds. @throws UsageError likewise; for missing files (says which path, which
/// package), files
///     with a wrong magic number or cut short, or more samples asked for than there are.
DataSplits load_data(const std::string& name_and_path, const DataOptions& options);

}  // namespace valley
