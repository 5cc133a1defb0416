#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "valley/models/extended_model.h"

namespace valley {

/// A TorchScript module exported by Python, trained as it is:
///
///     torch.jit.script(net).save("net.pt")        # or torch.jit.trace(net, example)
///
/// and given back to Python: model->save("trained.pt"), then torch.jit.load("trained.pt"), or its
/// state_dict in model.safetensors.
///
/// Script networks that have BatchNorm or Dropout: a trace keeps the mode it was traced in, and
/// train() cannot switch it. notes() says so of such a file (constant_modes.h).
///
/// A network that returns a tuple, a list or a dict is trained by the output that is asked for; the
/// others are the `others` of forward_all().
///
/// Runs TorchScript's plain interpreter, not its profiling optimizer, which watches the first calls
/// and rewrites the graph after them: a resumed run could then differ in bits from the
/// uninterrupted one. Nor does the optimizer pay: LeNet forward and backward, batch 32, one thread,
/// takes 93, 33 and 45 ms in its first three calls and 15.6 ms later; plain, 11.3 ms from the first
/// call on, as the registry's lenet does.
///
/// One instance serves one thread; workers load their own. Everything is loaded to the CPU.
/// Buffers registered with persistent=False are not told apart by TorchScript and count as buffers;
/// own_buffers() are those that may be such.
class ScriptedModel : public ExtendedModel {
 public:
  /// @throws UsageError, one line, for a file that is missing, cut short or no TorchScript module
  ///     (a state_dict written by torch.save, say), that has no trainable parameters, whose forward
  ///     does not take one tensor.
  /// `output` is the name of the output that is trained, or its place, counted from 0: "logits" or
  /// "0". A network that returns one tensor needs none.
  static std::unique_ptr<ScriptedModel> load(const std::string& path,
                                             const std::string& output = "");
  ~ScriptedModel() override;

  /// @throws UsageError if the script fails (its own message, one line), or does not return the
  ///     output asked for (the error lists what it returns).
  at::Tensor forward(const at::Tensor& input) override;
  Outputs forward_all(const at::Tensor& input) override;
  std::vector<NamedTensor> parameters() override;
  /// Frozen parameters first, then the registered buffers.
  std::vector<NamedTensor> buffers() override;
  std::vector<NamedTensor> state() override;

  /// What a person should know of the file before it trains, a sentence each, whose subject it is.
  std::vector<std::string> notes() const;

  /// The names of buffers that are not BatchNorm's. A network may leave such out of its state_dict
  /// (persistent=False), which its file does not tell.
  std::vector<std::string> own_buffers() const;

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
