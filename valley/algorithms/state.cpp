#include "valley/algorithms/state.h"

#include <ATen/ops/empty.h>

#include "valley/core/error.h"

namespace valley {
namespace {

at::Tensor find(const AlgorithmState& state, const std::string& name) {
  const at::Tensor tensor = optional_entry(state, name);
  require(tensor.defined(), "the checkpoint is of another algorithm: it has no {}", name);
  return tensor;
}

}  // namespace

at::Tensor state_entry(const AlgorithmState& state, const std::string& name, at::ScalarType dtype,
                       int64_t numel) {
  const at::Tensor tensor = find(state, name);
  require(tensor.scalar_type() == dtype && (numel < 0 || tensor.numel() == numel),
          "the checkpoint's entry {} is damaged", name);
  return tensor.cpu();
}

at::Tensor optional_entry(const AlgorithmState& state, const std::string& name) {
  for (const auto& [key, tensor] : state) {
    if (key == name) return tensor;
  }
  return {};
}

void append_under(const std::string& prefix, const AlgorithmState& own, AlgorithmState& all) {
  for (const auto& [name, tensor] : own) all.emplace_back(prefix + name, tensor);
}

AlgorithmState entries_under(const std::string& prefix, const AlgorithmState& all) {
  AlgorithmState own;
  for (const auto& [name, tensor] : all) {
    if (name.starts_with(prefix)) own.emplace_back(name.substr(prefix.size()), tensor);
  }
  return own;
}

void KeptVectors::append_to(AlgorithmState& state) const {
  for (const auto& [name, x] : vectors_) {
    state.emplace_back(name, x->defined() ? *x : at::empty({0}));
  }
}

void KeptVectors::load(const AlgorithmState& state) {
  std::vector<at::Tensor> loaded;
  for (const auto& entry : vectors_) {
    const at::Tensor tensor = find(state, entry.first);
    loaded.push_back(tensor.numel() == 0 ? at::Tensor() : tensor.clone());
  }
  for (size_t i = 0; i < loaded.size(); ++i) {
    if (loaded[i].defined()) *vectors_[i].second = loaded[i];
  }
}

void KeptVectors::forget() {
  for (const auto& entry : vectors_) entry.second->reset();
}

}  // namespace valley
