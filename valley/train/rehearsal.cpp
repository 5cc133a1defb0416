#include "valley/train/rehearsal.h"

#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "valley/core/error.h"
#include "valley/data/loader.h"
#include "valley/evaluation/deal.h"
#include "valley/models/dtype.h"
#include "valley/models/mixed_precision.h"
#include "valley/models/model_pass.h"
#include "valley/models/safetensors.h"
#include "valley/models/state_dict.h"
#include "valley/optim/shared_part.h"
#include "valley/train/gradient.h"

namespace valley {
namespace {

// Gives LibTorch's generator its state back.
class GeneratorAsItWas {
 public:
  GeneratorAsItWas() : generator_(at::detail::getDefaultCPUGenerator()) {
    const std::lock_guard<std::mutex> guard(generator_.mutex());
    state_ = generator_.get_state();
  }
  ~GeneratorAsItWas() {
    const std::lock_guard<std::mutex> guard(generator_.mutex());
    generator_.set_state(state_);
  }
  GeneratorAsItWas(const GeneratorAsItWas&) = delete;
  GeneratorAsItWas& operator=(const GeneratorAsItWas&) = delete;

 private:
  at::Generator generator_;
  at::Tensor state_;
};

std::string name_of(const TrainOptions& options) {
  return options.model_name == TrainOptions().model_name ? "the model" : options.model_name;
}

class Rehearsal {
 public:
  Rehearsal(Model& model, const FlatParameters& parameters, const DataSplits& data,
            const TrainOptions& options, int workers)
      : model_(model),
        parameters_(parameters),
        data_(data),
        o_(options),
        task_(task_of(options)),
        workers_(workers),
        name_(name_of(options)),
        loader_(data.train, *data.train, Augmentation{}, /*seed=*/0, /*worker=*/0,
                parameters.values().device()) {}

  void run() {
    const GeneratorAsItWas generator;
    evaluate();
    reestimate();
    train();
  }

 private:
  struct TrainingBatch {
    int64_t size;
    bool last;  // of an epoch, smaller than the others
  };

  void evaluate() {
    const int64_t most = o_.evaluation.batch_size;
    const Batch batch = loader_.range(0, std::min(smallest_dealt_batch(data_.train->size(), most),
                                                  smallest_dealt_batch(data_.test->size(), most)));
    const c10::NoGradGuard no_grad;
    model_.train(false);
    at::Tensor output;
    pass("a batch of an evaluation", batch, "",
         [&] { output = forward(model_, batch.input, o_.precision); });
    for (const auto& split : {data_.train, data_.test}) {
      task_.check(output, {.examples = batch.target.size(0),
                           .targets = split->targets,
                           .output = {},
                           .model = name_,
                           .data = o_.data_name,
                           .classes = split->classes});
    }
    pass("a batch of an evaluation", batch, "", [&] { task_.loss(output, batch.target); });
  }

  // BatchNorm sees batches in train mode that are none of training.
  void reestimate() {
    const auto& ranges = parameters_.buffer_ranges();
    if (std::none_of(ranges.begin(), ranges.end(),
                     [](const NamedRange& range) { return range.name.ends_with("running_mean"); }))
      return;
    const Batch batch =
        loader_.range(0, smallest_dealt_batch(data_.train->size(), o_.evaluation.batch_size));
    const c10::NoGradGuard no_grad;
    model_.train(true);
    pass("a batch for BatchNorm's statistics", batch, "",
         [&] { forward(model_, batch.input, o_.precision); });
  }

  void train() {
    const auto [size, last] = smallest_training_batch();
    const Batch batch = loader_.range(0, size);
    const c10::AutoGradMode with_grad(true);
    model_.train(true);
    std::string remedy;
    if (last) {
      remedy = fmt::format("; {} drop leaves that batch out", Key{"tail"});
    } else if (size == 1) {
      remedy = fmt::format("; a {} above 1 may do", Key{"batch-size"});
    }
    pass(last ? "the last training batch of an epoch" : "a training batch", batch, remedy, [&] {
      Gradient(model_, parameters_, o_.sam, o_.auxiliary, task_, o_.precision, o_.accumulate,
               adversary_of(o_.adversarial, *data_.train, [] { return uint64_t(0); }))
          .compute(batch, {});
    });
  }

  // Of one worker: a step's batches are of one size for all, whatever the partition.
  TrainingBatch smallest_training_batch() const {
    Sampler sampler({.examples = data_.train->size(),
                     .batch_size = o_.batch_size,
                     .workers = workers_,
                     .tail = o_.tail});
    const auto size_at = [&](int64_t step) {
      return static_cast<int64_t>(sampler.batch(step).size());
    };
    const int64_t epoch = sampler.steps_per_epoch();
    const int64_t whole = size_at(0), last = size_at(epoch - 1);
    const bool comes = (o_.steps > 0 ? o_.steps : o_.epochs * epoch) >= epoch;
    return last < whole && comes ? TrainingBatch{last, true} : TrainingBatch{whole, false};
  }

  // f(); what it throws says what it was given.
  template <typename F>
  void pass(const char* what, const Batch& batch, const std::string& remedy, const F& f) const {
    const std::string shape = fmt::format("{}", fmt::join(batch.input.sizes(), ", "));
    try {
      model_pass(f);
    } catch (const ModelError& error) {
      std::string reason = error.marked();
      if (reason.find(name_) == std::string::npos) reason = name_ + ": " + reason;
      throw UsageError(fmt::format("{}; it was given {}, {} [{}]{}{}", reason, what,
                                   dtype_name(batch.input.scalar_type()), shape, other_type(reason),
                                   remedy));
    }
  }

  // What may be behind a complaint about types: the model's are not those of the data.
  std::string other_type(const std::string& reason) const {
    const char* const words[] = {"dtype", "Float", "float", "Double", "double", "Half", "BFloat16"};
    if (std::none_of(std::begin(words), std::end(words),
                     [&](const char* word) { return reason.find(word) != std::string::npos; }))
      return "";
    for (const auto& [name, tensor] : state_dict(model_)) {
      if (!tensor.is_floating_point() || tensor.scalar_type() == at::kFloat) continue;
      return fmt::format("; its {} is {}: net.float() makes all of it float32", name,
                         dtype_name(tensor.scalar_type()));
    }
    return "";
  }

  Model& model_;
  const FlatParameters& parameters_;
  const DataSplits& data_;
  const TrainOptions& o_;
  const Task& task_;
  int workers_;
  std::string name_;
  Loader loader_;
};

}  // namespace

void check_unrun(Model& model, const DataSplits& data, const TrainOptions& options) {
  const at::IntArrayRef train = data.train->inputs.sizes(), test = data.test->inputs.sizes();
  require(train.slice(1) == test.slice(1), "{}: training examples are [{}], examples to test [{}]",
          options.data_name, fmt::join(train.slice(1), ", "), fmt::join(test.slice(1), ", "));
  if (options.out.empty()) return;
  std::vector<NamedTensor> state = state_dict(model);
  for (NamedTensor& named : state) named.tensor = named.tensor.detach();
  try {
    write_safetensors([](const void*, size_t) {}, state);
  } catch (const UsageError& error) {
    throw UsageError(fmt::format("{}: {}: the model could be neither saved nor resumed",
                                 name_of(options), error.marked()));
  }
}

void rehearse(Model& model, const DataSplits& data, const TrainOptions& options, int workers) {
  check_unrun(model, data, options);
  std::unique_ptr<FlatParameters> parameters;
  try {
    parameters =
        std::make_unique<FlatParameters>(model.parameters(), model.buffers(), options.decay_rule);
  } catch (const UsageError& error) {
    throw UsageError(fmt::format("{}: {}; it is given {} [B, {}]", name_of(options), error.marked(),
                                 data.train->is_text() ? "int64" : "float32",
                                 fmt::join(data.train->inputs.sizes().slice(1), ", ")));
  }
  SharedPart(*parameters, options.personal);
  Rehearsal(model, *parameters, data, options, workers).run();
}

}  // namespace valley
