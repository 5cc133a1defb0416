#include "valley/models/registry.h"

#include <algorithm>

#include "valley/core/error.h"
#include "valley/core/names.h"
#include "valley/models/lenet.h"
#include "valley/models/mlp.h"
#include "valley/models/resnet.h"
#include "valley/models/scripted.h"

namespace valley {

const std::vector<ModelEntry>& models() {
  static const std::vector<ModelEntry> table = {
      {"mlp", "two hidden layers, 128 and 64 wide", &make_mlp},
      {"lenet", "two convolutions and two linear layers, LeNet size", &make_lenet},
      {"resnet-8", "residual network, 3 blocks, 16 to 64 channels", &make_resnet8},
      {"resnet-20", "residual network, 9 blocks, 16 to 64 channels", &make_resnet20},
      {"resnet-18", "residual network, 8 blocks, 64 to 512 channels", &make_resnet18},
  };
  return table;
}

std::unique_ptr<Model> make_model(const std::string& name, const ModelOptions& options) {
  if (name.ends_with(".pt")) return ScriptedModel::load(name);

  const auto [channels, height, width] = options.input;
  require(channels >= 1 && height >= 1 && width >= 1 && options.classes >= 1,
          "model {}: input and classes must be at least 1, got {}x{}x{} and {}", name, channels,
          height, width, options.classes);

  for (const ModelEntry& entry : models()) {
    if (entry.name == name) return entry.make(options);
  }
  std::vector<std::string> known;
  for (const ModelEntry& entry : models()) known.push_back(entry.name);
  throw UsageError(unknown_name("model", name, known) + ", or a TorchScript file (net.pt)");
}

}  // namespace valley
