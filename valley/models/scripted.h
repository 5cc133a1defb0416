#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "valley/models/model.h"

namespace valley {

/// A TorchScript module exported by Python, trained as it is:
///
///     torch.jit.script(net).save("net.pt")        # or torch.jit.trace(net, example)
///
/// and given back to Python: model->save("trained.pt"), then torch.jit.load("trained.pt"), or its
/// state_dict in model.safetensors.
///
/// Runs TorchScript's interpreter without its profiling optimizer. That one measures shapes during
/// the first calls and rewrites the graph after them, so the same batch could give other bits at
/// step 0 of a resumed run than in the uninterrupted one.
///
/// One instance serves one thread; workers load their own. Everything is loaded to the CPU.
/// Buffers registered with persistent=False are not told apart by TorchScript and count as buffers.
class ScriptedModel : public Model {
 public:
  /// @throws UsageError, one line, for a file that is missing, cut short or no TorchScript module
  ///     (a state_dict written by torch.save, say), that has no trainable parameters, whose forward
  ///     does not take one tensor and return one, or that ties two parameters to one storage.
  static std::unique_ptr<ScriptedModel> load(const std::string& path);
  ~ScriptedModel() override;

  /// @throws UsageError if the script fails (its own message, one line) or returns no tensor.
  at::Tensor forward(const at::Tensor& input) override;
  std::vector<NamedTensor> parameters() override;
  std::vector<NamedTensor> buffers() override;
  void train(bool on) override;

  /// Writes the module with its present weights; the file appears whole or not at all. Holds one
  /// serialised copy in memory meanwhile.
  /// @throws IoError "cannot write PATH: No space left on device".
  void save(const std::string& path) const;

 private:
  struct Script;
  explicit ScriptedModel(std::unique_ptr<Script> script);
  std::unique_ptr<Script> script_;
};

}  // namespace valley
