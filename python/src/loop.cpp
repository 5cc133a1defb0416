#include "loop.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>
#include <c10/core/GradMode.h>
#include <fmt/ranges.h>

#include <cmath>

#include "settings.h"
#include "valley/comm/agreement.h"
#include "valley/comm/squared_norms.h"
#include "valley/core/checksum.h"
#include "valley/core/crc32c.h"
#include "valley/core/error.h"
#include "valley/core/version.h"
#include "valley/models/dtype.h"

namespace py = pybind11;

namespace valley::python {
namespace {

// Workers wait in f, and another thread of this process may be one of them.
template <typename F>
void released(const F& f) {
  const py::gil_scoped_release release;
  f();
}

std::string described(const NamedTensor& p) {
  return fmt::format("{} [{}]", p.name, fmt::join(p.tensor.sizes(), ", "));
}

std::string checksum_of(const at::Tensor& x) {
  const at::Tensor there = x.cpu().contiguous();
  return checksum_text(crc32c({static_cast<const char*>(there.data_ptr()), there.nbytes()}));
}

// Where nobody says how long the training is, it has no end that is ever reached.
constexpr int64_t kEndless = int64_t{1} << 50;

std::vector<NamedTensor> checked(std::vector<NamedTensor> parameters) {
  require(!parameters.empty(), "the optimizer has no parameters");
  const at::Tensor& first = parameters.front().tensor;
  for (const NamedTensor& p : parameters) {
    require(p.tensor.layout() == at::kStrided && p.tensor.is_leaf(),
            "parameters must be dense leaves of autograd; {} is not", described(p));
    require(p.tensor.device() == first.device(),
            "all parameters must be on one device; {} is on {} and {} on {}",
            parameters.front().name, first.device().str(), p.name, p.tensor.device().str());
  }
  return parameters;
}

}  // namespace

Loop::Loop(std::vector<NamedTensor> parameters, std::shared_ptr<Communicator> comm,
           LoopOptions options)
    : options_(std::move(options)),
      entry_(find_algorithm(options_.method)),
      moves_first_(entry_.moves_first(options_.settings)),
      flat_([&] {
        check_algorithm(options_.method, options_.settings, comm->size(), options_.seed);
        return checked(std::move(parameters));
      }()),
      comm_(std::move(comm)) {
  const c10::NoGradGuard no_grad;
  AlgorithmContext context{.total_steps = known_steps(),
                           .steps_per_epoch = options_.steps_per_epoch,
                           .seed = options_.seed,
                           .warmup_steps = options_.warmup_steps};
  context.learning_rate = [this](int64_t) {
    const py::gil_scoped_acquire acquire;
    return options_.learning_rate().cast<double>();
  };
  for (const NamedRange& range : flat_.ranges())
    context.layers.push_back({range.offset, range.size, rows_of(range.shape)});
  if (!options_.another_gradient.is_none()) {
    context.layer_gradient_norms = [this] { return layer_gradient_norms(); };
  }
  algorithm_ = make_algorithm(options_.method, options_.settings, context);
  for (const at::Tensor& parameter : flat_.parameters()) {
    at::Tensor p = parameter;
    views_.push_back(p.grad());
    p.mutable_grad() = at::Tensor();  // comes with the first backward, as everywhere in PyTorch
    places_.push_back(p.data_ptr());
  }
  missing_.resize(views_.size());
}

Loop::~Loop() = default;

void Loop::begin_together() {
  Card card;
  card.add("version", std::string(kVersion));
  card.add("method", options_.method);
  AlgorithmOptions settings = options_.settings;
  for (const Setting& setting : settings.settings()) {
    if (!setting.has(kMayDiffer)) card.add(keyword(setting.key), plain_text(setting.get()));
  }
  card.add("total_steps", std::to_string(options_.total_steps));
  card.add("steps_per_epoch", std::to_string(options_.steps_per_epoch));
  card.add("seed", std::to_string(options_.seed));
  card.add("dtype", dtype_name(values().scalar_type()));
  for (const NamedRange& range : flat_.ranges())
    card.add(range.name, fmt::format("[{}]", fmt::join(range.shape, ", ")));
  released([&] {
    const c10::NoGradGuard no_grad;
    require_agreement(*comm_, card);
    comm_->broadcast(values(), 0);
  });
}

void Loop::watch(std::vector<std::pair<py::dict, py::str>> places) {
  watched_ = std::move(places);
  watched_parameters_.clear();
  for (const auto& [parameters, name] : watched_)
    watched_parameters_.push_back(PyDict_GetItem(parameters.ptr(), name.ptr()));
}

// Every step: some 30 ns a parameter.
void Loop::check() {
  const std::vector<at::Tensor>& parameters = flat_.parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (parameters[i].data_ptr() == places_[i]) continue;
    const NamedRange& range = flat_.ranges()[i];
    throw UsageError(fmt::format(
        "{} [{}] was moved after it had been wrapped (by .to(), .double(), .data or "
        "load_state_dict "
        "with assign), so that it is no longer what the workers average; wrap the optimizer after "
        "that",
        range.name, fmt::join(range.shape, ", ")));
  }
  for (size_t i = 0; i < watched_.size(); ++i) {
    const auto& [dict, name] = watched_[i];
    if (PyDict_GetItem(dict.ptr(), name.ptr()) == watched_parameters_[i]) continue;
    throw UsageError(fmt::format(
        "the model's parameter {} was replaced by another after it had been wrapped; make the "
        "optimizer, and wrap it, after that",
        flat_.ranges()[i].name));
  }
}

void Loop::join() {
  released([&] {
    const c10::NoGradGuard no_grad;
    Card card;
    card.add("step", std::to_string(step_));
    if (!loaded_) card.add("the checksum of the weights", checksum_of(values()));
    require_agreement(*comm_, card);
    algorithm_->join(*comm_, values(), step_);
    if (loaded_) algorithm_->load_state(*std::exchange(loaded_, std::nullopt));
  });
  joined_ = true;
}

// Gradients that backward or the person put elsewhere become part of g.
void Loop::gather() {
  const c10::NoGradGuard no_grad;
  const std::vector<at::Tensor>& parameters = flat_.parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    at::Tensor p = parameters[i];
    at::Tensor& grad = p.mutable_grad();
    missing_[i] = !grad.defined();
    if (missing_[i]) {
      views_[i].zero_();
    } else if (grad.unsafeGetTensorImpl() != views_[i].unsafeGetTensorImpl()) {
      require(grad.layout() == at::kStrided,
              "the gradient of {} is sparse, which {} cannot average", flat_.ranges()[i].name,
              options_.method);
      views_[i].copy_(grad);
      grad = views_[i];
    }
  }
}

// A parameter without a gradient gets one where the method made it one: of the other workers, say.
// Otherwise the optimizer passes it over, as it does in PyTorch.
void Loop::scatter() {
  for (size_t i = 0; i < missing_.size(); ++i) {
    if (!missing_[i] || !views_[i].any().item<bool>()) continue;
    at::Tensor p = flat_.parameters()[i];
    p.mutable_grad() = views_[i];
  }
}

int64_t Loop::known_steps() const {
  return options_.total_steps > 0 ? options_.total_steps : kEndless;
}

StepInfo Loop::info() const { return {.step = step_, .total_steps = known_steps()}; }

double Loop::needed_loss(const py::object& loss) const {
  require(!loss.is_none(), "{} goes by the workers' losses: call step(loss=loss), or step(closure)",
          options_.method);
  return py::float_(loss).cast<double>();
}

void Loop::finish(const StepInfo& info) {
  at::Tensor x = flat_.values();
  released([&] {
    algorithm_->after_step(info, x);
    report_ = algorithm_->last_round() ? algorithm_->last_round() : report_;
    if (algorithm_->last_round() && options_.track_width) {
      const at::Tensor mine = at::full({1}, algorithm_->last_round()->distance, at::kDouble);
      const at::Tensor all = comm_->all_gather(mine);
      distances_.assign(all.data_ptr<double>(), all.data_ptr<double>() + all.numel());
      width_ = all.mean().item<double>();
    }
  });
  ++step_;
}

py::object Loop::step(const py::object& optimizer, const py::object& closure,
                      const py::object& loss) {
  check();
  const bool with_closure = !closure.is_none();
  require(with_closure || !moves_first_,
          "{} moves the parameters before the gradient is taken: call step(closure), where closure "
          "computes the gradient and returns the loss",
          options_.method);
  if (!joined_) join();
  // A closure that the optimizer may call itself, as often as it likes, is left to it.
  const bool own = with_closure && (moves_first_ || entry_.needs.gradient || entry_.needs.loss);
  StepInfo step_info = info();
  at::Tensor x = flat_.values(), g = flat_.gradients();
  released([&] { algorithm_->before_gradient(step_info, x); });
  py::object result = own ? closure() : py::none();
  if (entry_.needs.loss) step_info.loss = needed_loss(own ? result : loss);
  if (entry_.needs.gradient) gather();
  released([&] { algorithm_->on_gradient(step_info, x, g); });
  if (entry_.needs.gradient) scatter();
  algorithm_->local_step(step_info, x, g, [&] {
    if (own || !with_closure) {
      optimizer();
    } else {
      result = optimizer(closure);
    }
  });
  finish(step_info);
  return result;
}

void Loop::empty_step(const py::object& optimizer) {
  check();
  if (!joined_) join();
  StepInfo step_info = info();
  at::Tensor x = flat_.values(), g = flat_.gradients();
  released([&] {
    const c10::NoGradGuard no_grad;
    algorithm_->before_gradient(step_info, x);
    g.zero_();
    algorithm_->on_gradient(step_info, x, g);
  });
  if (entry_.needs.gradient) {
    for (size_t i = 0; i < views_.size(); ++i) {
      at::Tensor p = flat_.parameters()[i];
      p.mutable_grad() = views_[i];
    }
    algorithm_->local_step(step_info, x, g, [&] { optimizer(); });
  }
  finish(step_info);
}

std::vector<double> Loop::layer_gradient_norms() {
  const py::gil_scoped_acquire acquire;
  // The gradients of the step under way are the optimizer's again afterwards.
  std::vector<at::Tensor> kept;
  std::vector<double> norms;
  for (const at::Tensor& parameter : flat_.parameters()) {
    at::Tensor p = parameter;
    kept.push_back(std::exchange(p.mutable_grad(), at::Tensor()));
  }
  {
    const c10::AutoGradMode with_gradients(true);
    options_.another_gradient();
  }
  for (size_t i = 0; i < kept.size(); ++i) {
    at::Tensor p = flat_.parameters()[i];
    norms.push_back(p.grad().defined() ? p.grad().norm().item<double>() : 0);
    p.mutable_grad() = kept[i];
  }
  return norms;
}

at::Tensor Loop::average() {
  check();
  at::Tensor mean;
  released([&] {
    const c10::NoGradGuard no_grad;
    const at::Tensor place =
        joined_ ? (algorithm_->quiesce(), algorithm_->view(values())) : values();
    mean = at::empty_like(place);
    const SquaredNorms norms = comm_->all_reduce_sum_norms(place, mean);
    mean.div_(comm_->size());
    at::Tensor width = at::full({1}, std::sqrt(norms.distance), at::kDouble);
    comm_->all_reduce_mean(width);
    width_ = width.item<double>();
  });
  return mean;
}

void Loop::quiesce() {
  if (joined_) released([&] { algorithm_->quiesce(); });
}

AlgorithmState Loop::state() {
  if (loaded_) return *loaded_;
  if (!joined_) return {};
  quiesce();
  return algorithm_->state();
}

void Loop::load_state(const AlgorithmState& state, int64_t step) {
  quiesce();
  step_ = step;
  joined_ = false;
  loaded_.reset();
  if (step > 0) loaded_ = state;
}

}  // namespace valley::python
