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
/// Script networks that have BatchNorm or Dropout: a trace keeps the mode it was traced in, and
/// train() cannot switch it.
///
/// Runs TorchScript's plain interpreter, not its profiling optimizer, which watches the first calls
/// and rewrites the graph after them: a resumed run could then differ in bits from the
/// uninterrupted one. Nor does the optimizer pay: LeNet forward and backward, batch 32, one thread,
/// takes 93, 33 and 45 ms in its first three calls and 15.6 ms later; plain, 11.3 ms from the first
/// call on, as the registry's lenet does.
///
/// One instance serves one thread; workers load their own. Everything is loaded to the CPU.
/// Buffers registered with persistent=False are not told apart by TorchScript and count as buffers.
class ScriptedModel : public Model {
 public:
  /// @throws UsageError, one line, for a file that is missing, cut short or no TorchScript module
  ///     (a state_dict written by torch.save, say), that has no trainable parameters, whose forward
  ///     does not take one tensor.
  static std::unique_ptr<ScriptedModel> load(const std::string& path);
  ~ScriptedModel() override;

  /// @throws UsageError if the script fails (its own message, one line) or returns no tensor.
  at::Tensor forward(const at::Tensor& input) override;
  /// A tensor that is registered under two names (tied weights) appears once, by its first.
  std::vector<NamedTensor> parameters() override;
  /// Frozen parameters first, then the registered buffers.
  std::vector<NamedTensor> buffers() override;
  /// A file exported in evaluation mode trains all the same; one exported in train mode with parts
  /// of it in evaluation mode (`net.norm.eval()`, to freeze it) keeps these parts so.
  void train(bool on) override;

  /// Writes the module with its present weights; the file appears whole or not at all. Holds one
  /// serialised copy in memory meanwhile.
  /// Not to be called while another thread uses the parameters.
  /// @throws IoError "cannot write PATH: No space left on device".
  void save(const std::string& path) const;

 private:
  struct Script;
  explicit ScriptedModel(std::unique_ptr<Script> script);
  std::unique_ptr<Script> script_;
};

}  // namespace valley
