#include "valley/models/registry.h"

#include <stdexcept>

#include "valley/core/error.h"
#include "valley/models/gpt.h"
#include "valley/models/lenet.h"
#include "valley/models/lstm.h"
#include "valley/models/mlp.h"
#include "valley/models/model_names.h"
#include "valley/models/pyramidnet.h"
#include "valley/models/resnet.h"
#include "valley/models/scripted.h"
#include "valley/models/vgg.h"
#include "valley/models/vit.h"
#include "valley/models/wide_resnet.h"

namespace valley {
namespace {

using Numbers = std::vector<int64_t>;

struct ModelMaker {
  const char* name;
  std::unique_ptr<Model> (*make)(const ModelOptions&, const Numbers&);
};

// What model_names.h cannot have, since it is known without LibTorch.
constexpr ModelMaker kModelMakers[] = {
    {"mlp", [](const ModelOptions& o, const Numbers&) { return make_mlp(o); }},
    {"mlp-A-B", [](const ModelOptions& o, const Numbers& n) { return make_mlp(o, n[0], n[1]); }},
    {"lenet", [](const ModelOptions& o, const Numbers&) { return make_lenet(o); }},
    {"vggD", [](const ModelOptions& o, const Numbers& n) { return make_vgg(o, n[0]); }},
    {"resnet-D", [](const ModelOptions& o, const Numbers& n) { return make_resnet(o, n[0]); }},
    {"wide-resnet-D-K",
     [](const ModelOptions& o, const Numbers& n) { return make_wide_resnet(o, n[0], n[1]); }},
    {"pyramidnet-D-A",
     [](const ModelOptions& o, const Numbers& n) { return make_pyramidnet(o, n[0], n[1]); }},
    {"lstm", [](const ModelOptions& o, const Numbers&) { return make_lstm(o); }},
    {"vit", [](const ModelOptions& o, const Numbers&) { return make_vit(o); }},
    {"gpt-L-W", [](const ModelOptions& o, const Numbers& n) { return make_gpt(o, n[0], n[1]); }},
};

}  // namespace

std::unique_ptr<Model> make_model(const std::string& name, const ModelOptions& options) {
  if (is_model_file(name)) return ScriptedModel::load(name);

  const auto [channels, height, width] = options.input;
  require(channels >= 1 && height >= 1 && width >= 1 && options.classes >= 1,
          "model {}: input and classes must be at least 1, got {}x{}x{} and {}", name, channels,
          height, width, options.classes);

  const auto [entry, numbers] = find_model(name);
  require_reads(*entry, name, options.vocabulary > 0);
  for (const ModelMaker& maker : kModelMakers) {
    if (maker.name == entry->name) return maker.make(options, numbers);
  }
  throw std::logic_error("no maker for the model " + entry->name);
}

}  // namespace valley
