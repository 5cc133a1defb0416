#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "valley/core/settings.h"

/// What can be chosen about data, known without LibTorch.
namespace valley {

struct DataOptions {
  int64_t train_samples = 0;  ///< keep only this many, of every class its share, drawn by seed; 0:
                              ///< all. Synthetic data is made in this size
  int64_t test_samples = 0;   ///< likewise
  uint64_t seed = 0;          ///< of the draw and of synthetic data
  int64_t image_size = 0;     ///< pictures of files become this many pixels wide and high; 0: none
  bool strict = false;        ///< a file that cannot be read is an error, not left out
  std::string target = {};    ///< of a table: the column to learn; empty: the last one. Several
                              ///< with commas between them, where targets are numbers or labels
  bool real_targets = false;  ///< the task asks for numbers, not for classes
  int64_t context = 128;      ///< of a text: tokens a sequence
  int64_t validation_samples = 0;  ///< so many training examples are set aside; 0: none
  bool many_labels = false;        ///< the task asks for any number of classes an example
  std::string vocabulary = {};     ///< of a text: the file of its tokens; empty: bytes
};

/// Which data a run trains on.
struct DataSettings {
  std::string data = "fashion-mnist";  ///< load_data() takes it
  int64_t train_samples = 0;
  int64_t test_samples = 0;
  std::optional<int64_t> data_seed = {};  ///< the run's own unless given
  std::string target = {};
  int64_t image_size = 0;
  bool strict = false;
  int64_t context = 128;
  int64_t validation_samples = 0;
  std::string vocabulary = {};
};

template <typename V>
void visit(DataSettings& o, V& v) {
  v("data", o.data, "NAME or NAME:PATH; see `valley list data`");
  v("train-samples", o.train_samples, at_least(0),
    "train on this many, of every class its share; 0: all");
  v("test-samples", o.test_samples, at_least(0), "test on this many; 0: all");
  v("data-seed", o.data_seed, at_least(0).not_given(-1, "that of {seed}"),
    "of synthetic data, {train-samples}, {test-samples} and {partition}; -1: that of {seed}");
  v("target", o.target,
    "of table:FILE: the column to learn, or several as a,b,c; empty: the last one", kYounger);
  v("image-size", o.image_size, at_least(0),
    "bring the pictures of images:PATH to this many pixels wide and high; 0: they are of one size",
    kYounger);
  v("strict", o.strict, "a picture or text that cannot be read is an error, not left out",
    kYounger);
  v("validation-samples", o.validation_samples, at_least(0),
    "set so many training examples aside, to look at while training in place of the test set",
    kYounger);
  v("context", o.context, at_least(1),
    "of text:PATH: bytes a sequence, each of which the model sees those before of", kYounger);
  v("vocabulary", o.vocabulary,
    "of text:PATH: a file of tokens, one a line, by the longest of which the bytes are read; "
    "empty: "
    "bytes",
    kYounger);
}

/// What is done to training examples at random, each time anew. In this order, x one image
/// [C, H, W] of a batch of B, normalised as a model gets it:
///
/// - crop_padding and flip.
/// - **erase**, random erasing: with this probability a rectangle of x becomes 0, which is the mean
///   of every channel. Its area is a share U(0.02, 0.33) of the image's, its height over its width
///   exp(U(ln 0.3, ln 3.3)), its place uniform; what does not fit is drawn again, ten times at
///   most. As torchvision's RandomErasing does by default.
/// - **mixup**: with lam ~ Beta(alpha, alpha), one of a batch, and a random permutation p of it,
///
///       x_i <- lam x_i + (1 - lam) x_p(i),     loss = lam l(f(x_i), y_i) + (1 - lam) l(f(x_i),
///       y_p(i))
///
/// - **cutmix**: with r = sqrt(1 - lam) a rectangle of x_i, of 2 floor(floor(r H) / 2) by
///   2 floor(floor(r W) / 2) values around a uniform centre and cut off at the edges, comes from
///   x_p(i), and lam is then the share of x_i that is its own.
///
/// With both every batch has one of the two, each with probability 1/2.
///
/// References: Zhong et al., "Random Erasing Data Augmentation", AAAI 2020, arXiv:1708.04896; Zhang
/// et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018, arXiv:1710.09412; Yun et al.,
/// "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features", ICCV
/// 2019, arXiv:1905.04899 (there with a probability, here in every batch).
struct Augmentation {
  /// Pad every side by this many pixels, crop to the old size at a random place. The padding is
  /// black (value 0 before normalisation), as torchvision's RandomCrop on the image makes it.
  int64_t crop_padding = 0;
  bool flip = false;  ///< mirror left-right with probability 1/2
  double erase = 0;   ///< share of the pictures of which a rectangle is erased
  double mixup = 0;   ///< alpha; 0: off
  double cutmix = 0;  ///< alpha; 0: off

  bool blends() const { return mixup > 0 || cutmix > 0; }
  bool none() const { return crop_padding == 0 && !flip && erase == 0 && !blends(); }
};

template <typename V>
void visit(Augmentation& o, V& v) {
  v("crop-padding", o.crop_padding, at_least(0),
    "pad images by this many pixels and crop at random");
  v("flip", o.flip, "mirror images at random");
  v("erase", o.erase, in(0, 1), "share of the images of which a rectangle at random is erased",
    kYounger);
  v("mixup", o.mixup, at_least(0),
    "alpha of mixup: images and targets become means of two, weighed by Beta(alpha, alpha); 0: off",
    kYounger);
  v("cutmix", o.cutmix, at_least(0),
    "alpha of CutMix: a rectangle of every image comes from another one; 0: off", kYounger);
}

/// What becomes of an epoch's tail, the examples that fill no batch on every worker; see Sampler.
enum class Tail { kDrop, kKeep };

inline constexpr OneOf<Tail>::Name kTailNames[] = {{"drop", Tail::kDrop}, {"keep", Tail::kKeep}};
inline constexpr Declared kTail = {"tail", one_of("tail", kTailNames),
                                   "what of an epoch fills no batch on every worker: drop or keep"};

/// Who has which training examples: all workers all of them, or every worker a part of its own that
/// it keeps through the whole run. Parts whose classes differ are the usual way to make the workers
/// disagree on purpose.
///
/// `iid`: no parts; all examples are dealt out anew every epoch (see Sampler).
///
/// `dirichlet:ALPHA`: parts of equal size (by at most one) whose classes differ. Worker m has
/// a taste g_mc ~ Gamma(ALPHA) for class c, independent of all others, and the workers take
/// turns, each drawing one of the examples nobody has yet with a probability proportional to
///
///     g_mc,    c the example's class
///
/// until none is left. For one class, the normalised tastes of all workers are a draw of the
/// symmetric Dirichlet distribution with concentration ALPHA; so are, for one worker, those for
/// all classes. A large ALPHA gives all workers the same mixture; a small one gives each few
/// classes. Equal parts are a constraint that such a draw knows nothing of: taking turns meets it,
/// and a worker whose favourite class has run out takes its next one.
///
/// `shards:K`: the examples in the order of their classes (at random within one) are cut into
/// M K pieces of equal size (by at most one), and every worker gets K of them at random. A
/// piece no longer than a class holds one class or two. The parts' sizes differ by at most K.
///
/// `origin`: examples of one origin stay together, where the data say whose they are
/// (Dataset::origins): origins, the largest first (at random among equals), go each to the worker
/// that has the fewest examples so far. The parts differ by nature, and in size by at most the
/// largest origin.
///
/// Cost: N draws over C classes.
///
/// References: equal parts with classes from a Dirichlet distribution: Hsu, Qi and Brown,
/// "Measuring the Effects of Non-Identical Data Distribution for Federated Visual Classification",
/// 2019, arXiv:1909.06335 (there a client draws all it needs before the next one begins; taking
/// turns is ours). Shards: McMahan, Moore, Ramage, Hampson and Aguera y Arcas,
/// "Communication-Efficient Learning of Deep Networks from Decentralized Data", AISTATS 2017,
/// arXiv:1602.05629.
enum class PartitionKind { kIid, kDirichlet, kShards, kOrigin };

struct PartitionSpec {
  PartitionKind kind = PartitionKind::kIid;
  double alpha = 1;    ///< of kDirichlet: concentration, above 0
  int64_t shards = 2;  ///< K of kShards: pieces a worker, at least 1
  uint64_t seed = 0;   ///< of all draws

  bool operator==(const PartitionSpec&) const = default;
};

/// "iid", "dirichlet:0.3", "shards:2", "origin", as the setting `partition` has it; seed 0.
/// @throws UsageError for an unknown name (the nearest is offered), a missing number or one out of
///     range.
PartitionSpec parse_partition(std::string_view text);

/// What parse_partition reads; without the seed.
std::string to_string(const PartitionSpec& spec);

inline constexpr Parsed<PartitionSpec> kPartitionText = {&parse_partition, &to_string};
inline constexpr Declared kPartition = {
    "partition", kPartitionText,
    "examples of a worker: iid (all, dealt out anew every epoch), dirichlet:ALPHA, shards:K or "
    "origin"};

}  // namespace valley
