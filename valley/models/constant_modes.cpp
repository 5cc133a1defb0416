#include "valley/models/constant_modes.h"

#include <ATen/core/function_schema.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/passes/inliner.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace valley {
namespace {

using torch::jit::Node;
using torch::jit::Value;

struct Counts {
  int64_t norm_on = 0, norm_off = 0, drop_on = 0, drop_off = 0;
};

// The value that the argument `name` of a node is given, null if its operator has no such argument.
const Value* argument(const Node& node, std::string_view name) {
  const c10::FunctionSchema* schema = node.maybeSchema();
  if (schema == nullptr) return nullptr;
  const auto& arguments = schema->arguments();
  for (size_t i = 0; i < arguments.size() && i < node.inputs().size(); ++i) {
    if (arguments[i].name() == name) return node.input(i);
  }
  return nullptr;
}

std::optional<c10::IValue> constant(const Value* value) {
  if (value == nullptr) return std::nullopt;
  const auto known = torch::jit::toIValue(value);
  if (!known) return std::nullopt;
  return *known;
}

std::optional<bool> constant_mode(const Node& node) {
  for (const char* name : {"training", "train", "use_input_stats"}) {
    const auto mode = constant(argument(node, name));
    if (mode && mode->isBool()) return mode->toBool();
  }
  return std::nullopt;
}

// A constant, or the attribute of a module: what `self` and its parts hold now.
std::optional<c10::IValue> known_value(const Value* value, const torch::jit::Module& self) {
  if (const auto written = constant(value)) return written;
  if (value == nullptr) return std::nullopt;
  const Node& node = *value->node();
  if (node.kind() == c10::prim::Param && value->offset() == 0) return self._ivalue();
  if (node.kind() != c10::prim::GetAttr) return std::nullopt;
  const auto owner = known_value(node.input(0), self);
  if (!owner || !owner->isObject()) return std::nullopt;
  return owner->toObject()->getAttr(node.s(c10::attr::name));
}

enum class Drops { kNever, kAlways, kDepends };

// dropout(p), lstm(dropout), scaled_dot_product_attention(dropout_p).
Drops drops(const Node& node, const torch::jit::Module& self) {
  for (const char* name : {"p", "dropout", "dropout_p"}) {
    const Value* share = argument(node, name);
    if (share == nullptr) continue;
    const auto known = known_value(share, self);
    if (!known || !known->isDouble()) return Drops::kDepends;
    return known->toDouble() > 0 ? Drops::kAlways : Drops::kNever;
  }
  return Drops::kNever;
}

void look_at(const Node& node, const torch::jit::Module& self, Counts& counts) {
  const std::string_view name = node.kind().toUnqualString();
  const std::optional<bool> mode = constant_mode(node);
  if (name.ends_with("batch_norm") || name == "instance_norm") {
    const auto statistics = constant(argument(node, "running_mean"));
    if (!mode || (statistics && statistics->isNone())) return;
    ++(*mode ? counts.norm_on : counts.norm_off);
  } else if (const Drops dropped = drops(node, self); dropped != Drops::kNever) {
    // Attention has no mode of its own: its share is made 0 outside training, and so is that which
    // torch.nn.MultiheadAttention hands to a dropout that is always on.
    const bool always = dropped == Drops::kAlways;
    if (name == "scaled_dot_product_attention") {
      counts.drop_on += always;
    } else if (mode) {
      counts.drop_on += *mode && always;
      counts.drop_off += !*mode;
    }
  }
}

void look_through(const torch::jit::Block& block, const torch::jit::Module& self, Counts& counts) {
  for (const Node* node : block.nodes()) {
    look_at(*node, self, counts);
    // Of a branch that is decided, as dropout's `inplace`, only the one that is taken.
    const auto decided = node->kind() == c10::prim::If ? constant(node->input(0)) : std::nullopt;
    if (decided && decided->isBool()) {
      look_through(*node->blocks()[decided->toBool() ? 0 : 1], self, counts);
      continue;
    }
    for (const torch::jit::Block* inner : node->blocks()) look_through(*inner, self, counts);
  }
}

}  // namespace

std::string constant_modes(const torch::jit::Module& module) {
  const auto graph = module.get_method("forward").graph()->copy();
  torch::jit::Inline(*graph);
  Counts counts;
  look_through(*graph->block(), module, counts);
  std::vector<std::string> found;
  const auto add = [&](int64_t count, const char* what) {
    if (count > 0) found.push_back(fmt::format("{} {}", count, what));
  };
  add(counts.norm_off, "BatchNorm in evaluation mode (their statistics stay as they are)");
  add(counts.norm_on, "BatchNorm in train mode (they normalise by the batch in evaluation too)");
  add(counts.drop_off, "dropout off");
  add(counts.drop_on, "dropout on (in evaluation too)");
  return fmt::format("{}", fmt::join(found, ", "));
}

}  // namespace valley
