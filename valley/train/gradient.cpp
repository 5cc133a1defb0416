#include "valley/train/gradient.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/max.h>
#include <ATen/ops/norm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <fmt/ranges.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/edge.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "valley/core/error.h"
#include "valley/models/mixed_precision.h"
#include "valley/models/model_pass.h"

namespace valley {
namespace {

using torch::autograd::variable_list;
// std::shared_ptr in LibTorch 1.13 and 2.6, intrusive in 2.15.
using NodePtr = decltype(torch::autograd::Edge::function);

class PartHook : public torch::autograd::FunctionPostHook {
 public:
  PartHook(const Gradient::PartCallback* const* callback, int64_t begin, int64_t end)
      : callback_(callback), begin_(begin), end_(end) {}

  variable_list operator()(const variable_list& outputs, const variable_list&) override {
    if (*callback_ != nullptr && **callback_) (**callback_)(begin_, end_);
    return outputs;
  }

 private:
  const Gradient::PartCallback* const* callback_;
  int64_t begin_, end_;
};

at::Tensor checked_loss(const Task& task, const at::Tensor& output, const Batch& batch,
                        const std::string& which = "") {
  const at::Tensor& targets = batch.known_target();
  task.check(output, {.examples = targets.size(0), .targets = targets, .output = which});
  if (!batch.other_target.defined()) return task.loss(output, batch.target);
  return batch.share * task.loss(output, batch.target) +
         (1 - batch.share) * task.loss(output, batch.other_target);
}

}  // namespace

// A parameter's gradient is final when its AccumulateGrad node has run. A variable holds its node
// only weakly, so the nodes are kept here, and the hooks leave with them.
struct Gradient::Hooks {
  std::vector<std::pair<NodePtr, uintptr_t>> nodes;
  const PartCallback* callback = nullptr;  // of the running compute()

  ~Hooks() {
    for (auto& [node, key] : nodes) node->del_post_hook(key);
  }
};

std::optional<Adversary> adversary_of(const AdversarialOptions& options, const Dataset& statistics,
                                      std::function<uint64_t()> seed) {
  if (!options.attack.any()) return std::nullopt;
  return Adversary{Attack(options.attack, statistics), options.clean, std::move(seed)};
}

Gradient::Gradient(Model& model, const FlatParameters& parameters, const SamOptions& sam,
                   double auxiliary, const Task& task, Precision precision, int64_t accumulate,
                   std::optional<Adversary> adversary)
    : model_(model),
      parameters_(parameters),
      sam_(sam),
      auxiliary_(auxiliary),
      task_(task),
      precision_(precision),
      accumulate_(accumulate),
      adversary_(std::move(adversary)),
      hooks_(std::make_unique<Hooks>()) {
  for (size_t i = 0; i < parameters.ranges().size(); ++i) {
    const NamedRange& range = parameters.ranges()[i];
    auto node = torch::autograd::impl::grad_accumulator(parameters.parameters()[i]);
    const uintptr_t key = node->add_post_hook(
        std::make_unique<PartHook>(&hooks_->callback, range.offset, range.offset + range.size));
    hooks_->nodes.emplace_back(std::move(node), key);
  }
}

Gradient::~Gradient() = default;

// With the other outputs, each weighed by `auxiliary`.
at::Tensor Gradient::loss_on(const Batch& batch, double auxiliary) const {
  if (auxiliary == 0) return checked_loss(task_, forward(model_, batch.input, precision_), batch);
  const Outputs outputs = forward_all(model_, batch.input, precision_);
  require(!outputs.others.empty(), "{} {}: the model returns one output only", Key{"auxiliary"},
          auxiliary);
  at::Tensor loss = checked_loss(task_, outputs.logits, batch);
  for (const auto& [name, other] : outputs.others) {
    loss = loss + auxiliary * checked_loss(task_, other, batch,
                                           fmt::format("{} as output {}", task_.output(), name));
  }
  return loss;
}

std::vector<double> Gradient::norms(const Batch& batch) {
  const c10::AutoGradMode with_grad(true);
  model_.train(false);
  const variable_list gradients = model_pass([&] {
    return torch::autograd::grad({loss_on(batch, 0)}, parameters_.parameters(),
                                 /*grad_outputs=*/{}, /*retain_graph=*/false,
                                 /*create_graph=*/false, /*allow_unused=*/true);
  });
  model_.train(true);
  std::vector<at::Tensor> norms;
  for (const at::Tensor& gradient : gradients) {
    norms.push_back(gradient.defined() ? gradient.norm()
                                       : at::zeros({}, parameters_.gradients().options()));
  }
  const at::Tensor all = at::stack(norms).cpu().to(at::kDouble);  // read once
  return {all.data_ptr<double>(), all.data_ptr<double>() + all.numel()};
}

Loss Gradient::compute(const Batch& batch, const PartCallback& on_part) {
  std::vector<Piece> pieces;
  if (!adversary_ || adversary_->clean > 0)
    add_pieces(batch, adversary_ ? adversary_->clean : 1, pieces);
  if (adversary_) add_pieces(attacked(batch), 1 - adversary_->clean, pieces);
  if (sam_.rho == 0) return backward(pieces, &on_part);
  // A module may write to its input: the second pass gets the batch as it was.
  std::vector<Piece> first = pieces;
  for (Piece& piece : first) piece.batch.input = piece.batch.input.clone();
  const Loss loss = backward(first, nullptr);
  if (loss.known_not_finite()) return loss;
  const BorrowedValues above(parameters_,
                             uphill(sam_, parameters_.values(), parameters_.gradients()));
  const Loss second = backward(pieces, &on_part);
  return second.known_not_finite() ? second : loss;
}

// The batch with the worst examples near its own.
Batch Gradient::attacked(const Batch& batch) const {
  model_.train(false);
  Batch result = batch;
  result.input =
      adversary_->attack.worst(batch.input, adversary_->seed(), [&](const at::Tensor& input) {
        std::vector<Piece> pieces;
        Batch here = batch;
        here.input = input;
        add_pieces(here, 1, pieces);
        std::vector<at::Tensor> gradients;
        for (Piece& piece : pieces) {
          gradients.push_back(model_pass([&] {
            return input_gradient(piece.batch.input, [&](const at::Tensor& x) {
              piece.batch.input = x;
              return loss_on(piece.batch, 0);
            });
          }));
        }
        return at::cat(gradients);
      });
  model_.train(true);
  return result;
}

void Gradient::add_pieces(const Batch& batch, double weight, std::vector<Piece>& pieces) const {
  const int64_t examples = batch.target.size(0), count = std::min(accumulate_, examples);
  if (count == 1) {
    pieces.push_back({batch, weight});
    return;
  }
  for (int64_t i = 0; i < count; ++i) {
    const int64_t begin = i * examples / count, end = (i + 1) * examples / count;
    pieces.push_back({batch.part(begin, end), weight * (double(end - begin) / double(examples))});
  }
}

Loss Gradient::backward(const std::vector<Piece>& pieces, const PartCallback* on_part) {
  at::Tensor(parameters_.gradients()).zero_();
  if (pieces.size() == 1) return add_gradient(pieces[0].batch, 1, on_part);
  LossSum sum;
  for (const Piece& piece : pieces) {
    const Loss loss =
        add_gradient(piece.batch, piece.weight, &piece == &pieces.back() ? on_part : nullptr);
    if (loss.known_not_finite()) {
      at::Tensor(parameters_.gradients()).zero_();
      return loss;
    }
    sum.add(loss);
  }
  return sum.all();
}

// The weighed loss of a piece, whose gradient is added to g.
Loss Gradient::add_gradient(const Batch& batch, double weight, const PartCallback* on_part) {
  at::Tensor loss = model_pass([&] { return loss_on(batch, auxiliary_); });
  if (weight != 1) loss = loss * weight;
  const Loss value(loss);
  if (value.known_not_finite()) return value;  // before any part of such a gradient travels
  hooks_->callback = on_part;
  try {
    loss.backward();
  } catch (...) {
    hooks_->callback = nullptr;
    rethrow_as_model_error();
  }
  hooks_->callback = nullptr;
  return value;
}

}  // namespace valley
