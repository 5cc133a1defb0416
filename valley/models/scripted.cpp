#include "valley/models/scripted.h"

#include <ATen/core/function_schema.h>
#include <fmt/ranges.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>
#include <torch/version.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "valley/core/atomic_file.h"
#include "valley/core/error.h"
#include "valley/core/foreign_message.h"
#include "valley/models/constant_modes.h"
#include "valley/models/state_dict.h"
#include "valley/models/zip_check.h"

namespace valley {
namespace {

// The last 64 KiB of a zip file hold its end record, and before that the names of its members.
constexpr std::streamoff kZipTail = 65536 + 22;
constexpr const char* kExport = "export one with torch.jit.script(net).save(path)";

void check_file(const std::string& path) {
  std::error_code error;
  // Asked first because opening a folder would succeed.
  const auto size = static_cast<std::streamoff>(std::filesystem::file_size(path, error));
  require(!error, "cannot read {}: {}", path, error.message());
  std::ifstream file(path, std::ios::binary);
  require(file.is_open(), "cannot read {}: {}", path, std::strerror(errno));

  char magic[4] = {};
  file.read(magic, sizeof magic);
  require(file.gcount() == sizeof magic && std::memcmp(magic, "PK\3\4", 4) == 0,
          "{} is no TorchScript module; {}", path, kExport);

  const std::streamoff start = std::max<std::streamoff>(0, size - kZipTail);
  std::string tail(static_cast<size_t>(size - start), '\0');
  file.seekg(start);
  file.read(tail.data(), static_cast<std::streamsize>(tail.size()));
  require(tail.find("PK\5\6") != std::string::npos, "{} is cut short", path);
}

std::string text_of(const std::exception& error) {
  const auto* c10_error = dynamic_cast<const c10::Error*>(&error);
  return c10_error ? c10_error->what_without_backtrace() : error.what();
}

// What stands behind `begin` in the text, up to the first of `end`.
std::optional<std::string> between(const std::string& text, const std::string& begin,
                                   const std::string& end) {
  size_t at = text.find(begin);
  if (at == std::string::npos) return std::nullopt;
  at += begin.size();
  const size_t to = text.find_first_of(end, at);
  if (to == at) return std::nullopt;
  return text.substr(at, to == std::string::npos ? to : to - at);
}

constexpr const char* kNewer = "was the file exported by a newer PyTorch?";

// What LibTorch cannot compile, and likely why; nothing for a text that says something else.
std::optional<std::string> what_is_lacking(const std::string& text) {
  const std::string here = fmt::format("LibTorch {}", TORCH_VERSION);
  if (auto name = between(text, "Unknown builtin op: ", " \n\t")) {
    while (name->ends_with('.')) name->pop_back();  // of the sentence
    const std::string room = name->substr(0, name->find("::"));
    const bool own = room == "aten" || room == "prim" || room == *name;
    return fmt::format(
        "it calls the operator {}, which {} lacks; {}", *name, here,
        own ? kNewer
            : fmt::format("it belongs to the extension {}, which valley does not load", room));
  }
  if (const auto name = between(text, "__torch__.torch.classes.", "' \n")) {
    return fmt::format(
        "it holds an object of the class {}, which {} lacks; it belongs to an extension, which "
        "valley does not load",
        *name, here);
  }
  if (const auto version = between(text, "read a PyTorch file with version ", ", \n")) {
    return fmt::format("it has version {} of the format, {} reads up to {}; {}", *version, here,
                       between(text, "for reading is ", ". \n").value_or("an earlier one"), kNewer);
  }
  // "Arguments for call are not valid.\nThe following variants are available:\n  \n  aten::..."
  const std::string variants = "The following variants are available:";
  const size_t listed = text.find(variants);
  const std::string first =
      one_line(listed == std::string::npos ? text : text.substr(listed + variants.size()));
  if (listed != std::string::npos || text.find("Expected at most ") != std::string::npos ||
      text.find("nknown keyword argument ") != std::string::npos) {
    return fmt::format("it calls {} in a way that {} does not know; {}",
                       first.substr(0, first.find('(')), here, kNewer);
  }
  return std::nullopt;
}

// The trainer makes parameters views of one flat tensor, and the serialiser writes a view's whole
// storage with every tensor (Module::deepcopy takes such views for one and the same). While this
// lives, each tensor of the module has a storage of its own, on the CPU, so that a file can be read
// where there is no other device.
class OwnStorage {
 public:
  explicit OwnStorage(const torch::jit::Module& module) {
    for (const at::Tensor& tensor : module.parameters()) detach(tensor);
    for (const at::Tensor& tensor : module.buffers()) detach(tensor);
  }
  ~OwnStorage() {
    for (auto& [tensor, data] : before_) tensor.set_data(data);
  }
  OwnStorage(const OwnStorage&) = delete;
  OwnStorage& operator=(const OwnStorage&) = delete;

 private:
  void detach(at::Tensor tensor) {
    if (tensor.is_cpu() && tensor.storage().nbytes() == tensor.nbytes()) return;
    before_.emplace_back(tensor, tensor.detach());
    tensor.set_data(tensor.is_cpu() ? tensor.detach().clone() : tensor.detach().cpu());
  }

  std::vector<std::pair<at::Tensor, at::Tensor>> before_;
};

// Under all their names.
std::vector<NamedTensor> trained(const torch::jit::Module& module) {
  std::vector<NamedTensor> result;
  for (const auto& item : module.named_parameters()) {
    if (item.value.requires_grad()) result.push_back({item.name, item.value});
  }
  return result;
}

std::vector<NamedTensor> not_trained(const torch::jit::Module& module) {
  std::vector<NamedTensor> result;
  for (const auto& item : module.named_parameters()) {
    if (!item.value.requires_grad()) result.push_back({item.name, item.value});
  }
  for (const auto& item : module.named_buffers()) result.push_back({item.name, item.value});
  return result;
}

// One of several outputs, and the two ways to ask for it.
struct Part {
  std::string name;   // of a named tuple or a dict, else its place
  std::string place;  // counted from 0; of a dict it has none
  c10::IValue value;
};

std::vector<Part> parts_of(const c10::IValue& output) {
  std::vector<Part> parts;
  if (output.isTuple()) {
    const std::shared_ptr<c10::TupleType> type = output.toTuple()->type();
    const auto& schema = type->schema();  // of a named one
    for (const c10::IValue& value : output.toTupleRef().elements()) {
      const std::string place = std::to_string(parts.size());
      parts.push_back({schema ? schema->arguments()[parts.size()].name() : place, place, value});
    }
  } else if (output.isGenericDict()) {
    for (const auto& entry : output.toGenericDict()) {
      const c10::IValue& key = entry.key();
      if (!key.isString() && !key.isInt()) return {};
      parts.push_back(
          {key.isString() ? key.toStringRef() : std::to_string(key.toInt()), "", entry.value()});
    }
  } else if (output.isList()) {
    for (const c10::IValue& value : output.toListRef()) {
      const std::string place = std::to_string(parts.size());
      parts.push_back({place, place, value});
    }
  }
  return parts;
}

}  // namespace

struct ScriptedModel::Script {
  std::string path;
  std::string output;  // the one that is trained; "": there is only one
  torch::jit::Module module;
  std::vector<torch::jit::Module> frozen;  // parts that stay in evaluation mode
};

std::unique_ptr<ScriptedModel> ScriptedModel::load(const std::string& path,
                                                   const std::string& output) {
  check_file(path);
  check_zip(path);
  auto script = std::make_unique<Script>();
  script->path = path;
  script->output = output;
  try {
    script->module = torch::jit::load(path, at::kCPU);
  } catch (const std::exception& error) {
    const std::string text = text_of(error);
    const auto lacking = what_is_lacking(text);
    require(!lacking, "cannot load {}: {}", path, lacking.value_or(""));
    // The member that torch.save does not write and torch.jit.save does.
    const bool plain = text.find("constants.pkl") != std::string::npos;
    throw UsageError(fmt::format("{} is no TorchScript module ({}); {}", path,
                                 plain ? "written by torch.save?" : one_line(text), kExport));
  }

  const auto forward = script->module.find_method("forward");
  require(forward.has_value(), "{} has no forward method", path);
  const c10::FunctionSchema& schema = forward->function().getSchema();
  int64_t needed = -1;  // without self
  for (const c10::Argument& argument : schema.arguments()) needed += !argument.default_value();
  require(schema.arguments().size() >= 2 && needed <= 1,
          "{}: forward must take one tensor, it needs {} arguments", path, needed);

  std::unique_ptr<ScriptedModel> model(new ScriptedModel(std::move(script)));
  require(!model->parameters().empty(), "{} has no trainable parameters (is it frozen?)", path);
  return model;
}

ScriptedModel::ScriptedModel(std::unique_ptr<Script> script) : script_(std::move(script)) {}
ScriptedModel::~ScriptedModel() = default;

at::Tensor ScriptedModel::forward(const at::Tensor& input) { return forward_all(input).logits; }

Outputs ScriptedModel::forward_all(const at::Tensor& input) {
  const torch::jit::GraphOptimizerEnabledGuard plain_interpreter(false);  // of this thread
  c10::IValue output;
  try {
    output = script_->module.forward({input});
  } catch (const std::exception& error) {
    throw UsageError(
        fmt::format("{}: forward failed: {}", script_->path, one_line(text_of(error))));
  }
  if (output.isTensor()) {
    require(script_->output.empty(), "{} {}: {} returns one tensor", Key{"output"}, script_->output,
            script_->path);
    return {output.toTensor(), {}};
  }

  const std::vector<Part> parts = parts_of(output);
  std::vector<std::string> names;
  for (const Part& part : parts) names.push_back(part.name);
  require(!parts.empty(), "{}: forward must return a tensor, or a tuple or dict of tensors, not {}",
          script_->path, output.type()->repr_str());
  require(!script_->output.empty(), "{}: forward returns {} outputs; choose one: {} {}",
          script_->path, parts.size(), Key{"output"}, fmt::join(names, " or "));
  const auto chosen = std::find_if(parts.begin(), parts.end(), [&](const Part& part) {
    return part.name == script_->output || part.place == script_->output;
  });
  require(chosen != parts.end(), "{} {}: {} returns {}", Key{"output"}, script_->output,
          script_->path, fmt::join(names, ", "));
  require(chosen->value.isTensor(), "{} {}: {} returns {} there, not a tensor", Key{"output"},
          script_->output, script_->path, chosen->value.type()->repr_str());
  Outputs result{chosen->value.toTensor(), {}};
  for (const Part& part : parts) {
    // An auxiliary head says None in evaluation mode.
    if (&part != &*chosen && part.value.isTensor()) {
      result.others.push_back({part.name, part.value.toTensor()});
    }
  }
  return result;
}

std::vector<NamedTensor> ScriptedModel::parameters() {
  return first_names(trained(script_->module));
}

std::vector<NamedTensor> ScriptedModel::buffers() {
  return first_names(not_trained(script_->module));
}

std::vector<NamedTensor> ScriptedModel::state() {
  std::vector<NamedTensor> result = trained(script_->module);
  for (NamedTensor& item : not_trained(script_->module)) result.push_back(std::move(item));
  return result;
}

std::vector<std::string> ScriptedModel::notes() const {
  const std::string modes = constant_modes(script_->module);
  if (modes.empty()) return {};
  return {
      fmt::format("has modes that cannot be switched: {}; if it is a trace, torch.jit.script(net) "
                  "makes one that can",
                  modes)};
}

std::vector<std::string> ScriptedModel::own_buffers() const {
  std::vector<std::string> names;
  for (const auto& item : script_->module.named_buffers()) {
    const bool of_batch_norm = item.name.ends_with("running_mean") ||
                               item.name.ends_with("running_var") ||
                               item.name.ends_with("num_batches_tracked");
    if (!of_batch_norm) names.push_back(item.name);
  }
  return names;
}

void ScriptedModel::train(bool on) {
  torch::jit::Module& module = script_->module;
  // Seen only while the module trains: one that evaluates says nothing of its parts.
  if (module.is_training()) {
    script_->frozen.clear();
    for (const torch::jit::Module& part : module.modules()) {
      if (!part.is_training()) script_->frozen.push_back(part);
    }
  }
  module.train(on);
  if (!on) return;
  for (torch::jit::Module& part : script_->frozen) part.setattr("training", false);
}

void ScriptedModel::save(const std::string& path) const {
  // To memory first: LibTorch's zip writer ends the process when its stream fails.
  std::ostringstream bytes;
  {
    const OwnStorage own_storage(script_->module);
    script_->module.save(bytes);
  }
  AtomicFile file(path);
  file.write(bytes.view().data(), bytes.view().size());
  file.commit();
}

}  // namespace valley
