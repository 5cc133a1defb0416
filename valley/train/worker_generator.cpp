#include "valley/train/worker_generator.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/ones_like.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/library.h>

#include "valley/core/error.h"
#include "valley/core/random.h"

namespace valley {
namespace {

// A dispatch key that LibTorch itself leaves unused: with it included in a thread, calls of the
// operators registered below come here first; all others fall through at no cost.
constexpr auto kKey = c10::DispatchKey::TESTING_ONLY_GenericMode;

thread_local at::Generator* current = nullptr;

// Fills in the thread's generator where an operator was called without one.
void with_generator(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  const auto& arguments = op.schema().arguments();
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i].name() != "generator") continue;
    c10::IValue& value = torch::jit::peek(*stack, i, arguments.size());
    if (value.isNone()) value = *current;
  }
  const c10::impl::ExcludeDispatchKeyGuard guard(kKey);
  op.callBoxed(stack);
}

void fill_generator(torch::Library& m, const char* name) {
  m.impl(name, torch::CppFunction::makeFromBoxedFunction<&with_generator>());
}

// Dropout on a device draws in an operator of its own, which takes no generator. Here it draws as
// elsewhere: mask = bernoulli(1 - p), output = input mask / (1 - p); backward is autograd's.
std::tuple<at::Tensor, at::Tensor> native_dropout(const at::Tensor& input, double p,
                                                  c10::optional<bool> train) {
  if (!train.value_or(true) || p == 0) return {input, at::ones_like(input, at::kBool)};
  const at::Tensor mask = at::empty_like(input).bernoulli_(1 - p, *current);
  return {input * (p < 1 ? mask / (1 - p) : mask), mask.to(at::kBool)};
}

// What every sampling function of LibTorch ends in.
TORCH_LIBRARY_IMPL(aten, TESTING_ONLY_GenericMode, m) {
  for (const char* name :
       {"bernoulli_.float", "bernoulli_.Tensor", "bernoulli", "normal_", "uniform_", "exponential_",
        "random_", "random_.from", "random_.to", "multinomial", "randperm.generator_out"}) {
    fill_generator(m, name);
  }
  m.impl("native_dropout", &native_dropout);
}
TORCH_LIBRARY_IMPL(_, TESTING_ONLY_GenericMode, m) {
  m.fallback(torch::CppFunction::makeFallthrough());
}

// Of a device LibTorch has one for all; a copy of it is a worker's own.
at::Generator generator_on(at::Device device, uint64_t seed) {
  if (device.is_cpu()) return at::make_generator<at::CPUGeneratorImpl>(seed);
  at::Generator own = at::globalContext().defaultGenerator(device).clone();
  own.set_current_seed(seed);
  return own;
}

}  // namespace

WorkerGenerator::WorkerGenerator(uint64_t seed, at::Device device)
    : seed_(seed), generator_(generator_on(device, seed)) {
  TORCH_INTERNAL_ASSERT(current == nullptr, "a thread has one WorkerGenerator at a time");
  current = &generator_;
  c10::impl::tls_set_dispatch_key_included(kKey, true);
}

WorkerGenerator::~WorkerGenerator() {
  c10::impl::tls_set_dispatch_key_included(kKey, false);
  current = nullptr;
}

at::Tensor WorkerGenerator::state() const { return generator_.get_state(); }
void WorkerGenerator::set_state(const at::Tensor& state) { generator_.set_state(state); }

void WorkerGenerator::go_on(const at::Tensor& state, int64_t step) {
  if (state.numel() == this->state().numel()) return set_state(state);
  generator_.set_current_seed(derive_seed(seed_, 0, "resumed on another device", step));
}

}  // namespace valley
