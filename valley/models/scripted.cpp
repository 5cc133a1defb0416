#include "valley/models/scripted.h"

#include <ATen/core/function_schema.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <unordered_set>

#include "valley/core/atomic_file.h"
#include "valley/core/error.h"

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

// LibTorch's messages carry a source location, a TorchScript traceback and a C++ backtrace. What a
// person needs is one line: behind "RuntimeError:" where there is one, else the first.
std::string one_line(const std::exception& error) {
  const auto* c10_error = dynamic_cast<const c10::Error*>(&error);
  std::string text = c10_error ? c10_error->what_without_backtrace() : error.what();
  const size_t raised = text.rfind("Error: ");
  if (raised != std::string::npos) text = text.substr(raised + std::strlen("Error: "));
  if (text.starts_with("[enforce fail")) {
    const size_t location = text.find("] ");
    if (location != std::string::npos) text = text.substr(location + 2);
    if (text.starts_with(". ")) text = text.substr(2);
  }
  return text.substr(0, text.find('\n'));
}

// The trainer makes parameters views of one flat tensor, and the serialiser writes a view's whole
// storage with every tensor (Module::deepcopy takes such views for one and the same). While this
// lives, each tensor of the module has a storage of its own.
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
    if (tensor.storage().nbytes() == tensor.nbytes()) return;
    before_.emplace_back(tensor, tensor.detach());
    tensor.set_data(tensor.detach().clone());
  }

  std::vector<std::pair<at::Tensor, at::Tensor>> before_;
};

}  // namespace

struct ScriptedModel::Script {
  std::string path;
  torch::jit::Module module;
  std::vector<torch::jit::Module> frozen;  // parts that stay in evaluation mode
};

std::unique_ptr<ScriptedModel> ScriptedModel::load(const std::string& path) {
  check_file(path);
  auto script = std::make_unique<Script>();
  script->path = path;
  try {
    script->module = torch::jit::load(path, at::kCPU);
  } catch (const std::exception& error) {
    const std::string text = one_line(error);
    // The member that torch.save does not write and torch.jit.save does.
    const bool plain = text.find("constants.pkl") != std::string::npos;
    throw UsageError(fmt::format("{} is no TorchScript module ({}); {}", path,
                                 plain ? "written by torch.save?" : text, kExport));
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

at::Tensor ScriptedModel::forward(const at::Tensor& input) {
  const torch::jit::GraphOptimizerEnabledGuard plain_interpreter(false);  // of this thread
  c10::IValue output;
  try {
    output = script_->module.forward({input});
  } catch (const std::exception& error) {
    throw UsageError(fmt::format("{}: forward failed: {}", script_->path, one_line(error)));
  }
  require(output.isTensor(), "{}: forward must return one tensor, it returns {}", script_->path,
          output.isTensor() ? "" : output.type()->repr_str());
  return output.toTensor();
}

std::vector<NamedTensor> ScriptedModel::parameters() {
  std::vector<NamedTensor> result;
  std::unordered_set<const at::TensorImpl*> seen;
  for (const auto& item : script_->module.named_parameters()) {
    if (item.value.requires_grad() && seen.insert(item.value.unsafeGetTensorImpl()).second) {
      result.push_back({item.name, item.value});
    }
  }
  return result;
}

std::vector<NamedTensor> ScriptedModel::buffers() {
  std::vector<NamedTensor> result;
  for (const auto& item : script_->module.named_parameters()) {
    if (!item.value.requires_grad()) result.push_back({item.name, item.value});
  }
  for (const auto& item : script_->module.named_buffers()) {
    result.push_back({item.name, item.value});
  }
  return result;
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
