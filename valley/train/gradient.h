#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "valley/algorithms/loss.h"
#include "valley/data/attack.h"
#include "valley/data/loader.h"
#include "valley/models/model.h"
#include "valley/models/precision.h"
#include "valley/optim/flat_parameters.h"
#include "valley/optim/sam.h"
#include "valley/task/classification.h"

namespace valley {

/// Training on examples that are made hard, see Gradient.
struct Adversary {
  Attack attack;
  double clean;                    ///< weight of the examples as they are, in [0, 1)
  std::function<uint64_t()> seed;  ///< of what is drawn in the step under way
};

/// That of the options, none where they have none. @throws UsageError as Attack.
std::optional<Adversary> adversary_of(const AdversarialOptions& options, const Dataset& statistics,
                                      std::function<uint64_t()> seed);

/// The loss of a task and its gradient on a batch, into the flat gradient; says which parts of it
/// are ready while backward still works on the others.
class Gradient {
 public:
  /// Called with [begin, end) of g, on the calling thread, as soon as a parameter's gradient is
  /// final.
  using PartCallback = std::function<void(int64_t begin, int64_t end)>;

  /// `auxiliary` is the weight of the model's other outputs (Outputs::others) in the loss:
  ///
  ///     loss = l(output, y) + auxiliary sum_o l(o, y)      l: the task's
  ///
  /// Of a blended batch l(output, y) is share l(output, y) + (1 - share) l(output, other y).
  ///
  /// With `accumulate` N a batch of B examples is computed in N pieces one after the other (B of
  /// them if it has fewer), of sizes n_i that differ by one at most, whose activations alone are in
  /// memory at once:
  ///
  ///     loss = sum_i n_i / B loss_i,      g likewise
  ///
  /// That is the loss of the batch where examples do not see each other (BatchNorm) and count alike
  /// (class weights: every piece is divided by its own).
  ///
  /// With an adversary
  ///
  ///     loss = clean loss(x) + (1 - clean) loss(x')      x': the worst near x, see attack.h
  ///
  /// with x' for l of the model in evaluation mode, where nothing is drawn and no buffer moves. It
  /// is found once a step, also with SAM. BatchNorm's statistics are given x, then x'.
  Gradient(Model& model, const FlatParameters& parameters, const SamOptions& sam = {},
           double auxiliary = 0, const Task& task = classification(),
           Precision precision = Precision::kFloat32, int64_t accumulate = 1,
           std::optional<Adversary> adversary = {});
  ~Gradient();

  /// g <- gradient of the loss, the mean over the batch; returns the loss. If that is known not to
  /// be finite (on a device nobody waits to see), g is 0 and no part is announced. With SAM there
  /// are two passes (optim/sam.h): the loss is that of the first, at x, where buffers (BatchNorm's
  /// statistics) move; parts are announced in the second, after which x is as before. Each pass has
  /// an input of its own, which the model may write to.
  /// @throws ModelError if the model fails, its output does not fit the targets, or other outputs
  ///     are to be weighed and it returns none.
  Loss compute(const Batch& batch, const PartCallback& on_part);

  /// By parameter, ||gradient|| of the mean loss of the batch with the model in evaluation
  /// mode, which it leaves for train mode; g stays as it is and nothing is announced. Memory: d.
  std::vector<double> norms(const Batch& batch);

  /// Where parameters and gradient are, and batches must be.
  at::Device device() const { return parameters_.values().device(); }

 private:
  struct Hooks;

  /// Examples, and the weight of their mean loss.
  struct Piece {
    Batch batch;
    double weight;
  };

  Batch attacked(const Batch& batch) const;
  void add_pieces(const Batch& batch, double weight, std::vector<Piece>& pieces) const;
  Loss backward(const std::vector<Piece>& pieces, const PartCallback* on_part);
  Loss add_gradient(const Batch& batch, double weight, const PartCallback* on_part);
  at::Tensor loss_on(const Batch& batch, double auxiliary) const;

  Model& model_;
  const FlatParameters& parameters_;
  SamOptions sam_;
  double auxiliary_;
  const Task& task_;
  Precision precision_;
  int64_t accumulate_;
  std::optional<Adversary> adversary_;
  std::unique_ptr<Hooks> hooks_;
};

}  // namespace valley
