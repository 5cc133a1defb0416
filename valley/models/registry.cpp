#include "valley/models/registry.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>

#include "valley/core/error.h"
#include "valley/core/names.h"
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

bool is_capital(char c) { return 'A' <= c && c <= 'Z'; }
bool is_digit(char c) { return '0' <= c && c <= '9'; }

bool is_family(const ModelEntry& entry) {
  return std::any_of(entry.name.begin(), entry.name.end(), is_capital);
}

// The numbers in `name` if it is of the family `pattern`; none of them starts with 0, so that a
// model has one name.
std::optional<Numbers> match(std::string_view pattern, std::string_view name) {
  Numbers numbers;
  for (const char expected : pattern) {
    if (!is_capital(expected)) {
      if (!name.starts_with(expected)) return std::nullopt;
      name.remove_prefix(1);
      continue;
    }
    int64_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error != std::errc() || name[0] == '-' || (name[0] == '0' && end > name.data() + 1)) {
      return std::nullopt;
    }
    numbers.push_back(number);
    name.remove_prefix(static_cast<size_t>(end - name.data()));
  }
  if (!name.empty()) return std::nullopt;
  return numbers;
}

// The member of the family that has the numbers of `given`: "resnet-D" for "resnet18" is
// "resnet-18". The pattern itself where `given` has fewer numbers, or where that gives no member.
std::string with_numbers_of(const std::string& given, const std::string& pattern) {
  std::string result;
  auto next = given.begin();
  for (const char c : pattern) {
    if (!is_capital(c)) {
      result += c;
      continue;
    }
    next = std::find_if(next, given.end(), is_digit);
    if (next == given.end()) return pattern;
    for (; next != given.end() && is_digit(*next); ++next) result += *next;
  }
  return match(pattern, result) ? result : pattern;
}

std::string unknown_model(const std::string& given) {
  std::vector<std::string> known, candidates;
  for (const ModelEntry& entry : models()) {
    known.push_back(entry.name);
    candidates.push_back(with_numbers_of(given, entry.name));
  }
  const std::string near = nearest_name(given, candidates);
  return fmt::format("unknown model '{}'{} known: {}, or a TorchScript file (net.pt)", given,
                     near.empty() ? ";" : fmt::format("; did you mean '{}'?", near),
                     fmt::join(known, ", "));
}

}  // namespace

const std::vector<ModelEntry>& models() {
  using Options = ModelOptions;
  static const std::vector<ModelEntry> table = {
      {"mlp", "two hidden layers, 128 and 64 wide",
       [](const Options& o, const Numbers&) { return make_mlp(o); }},
      {"mlp-A-B", "two hidden layers, A and B wide",
       [](const Options& o, const Numbers& n) { return make_mlp(o, n[0], n[1]); }},
      {"lenet", "two convolutions and two linear layers, LeNet size",
       [](const Options& o, const Numbers&) { return make_lenet(o); }},
      {"vggD", "VGG with BatchNorm, depth D = 11, 13, 16 or 19 (vgg11, vgg16)",
       [](const Options& o, const Numbers& n) { return make_vgg(o, n[0]); }},
      {"resnet-D",
       "residual network: D = 8, 14, 20, 32, 44, 56 or 110, 16 to 64 channels; 18 or 34, 64 to 512",
       [](const Options& o, const Numbers& n) { return make_resnet(o, n[0]); }},
      {"wide-resnet-D-K",
       "wide residual network: depth D = 6n+4, K times as wide (wide-resnet-16-4, "
       "wide-resnet-28-10)",
       [](const Options& o, const Numbers& n) { return make_wide_resnet(o, n[0], n[1]); }},
      {"pyramidnet-D-A",
       "residual network that widens by A in all: depth D = 6n+2 (pyramidnet-20-48, "
       "pyramidnet-110-270)",
       [](const Options& o, const Numbers& n) { return make_pyramidnet(o, n[0], n[1]); }},
      {"lstm", "bidirectional LSTM over the rows of the input, 2 layers, 128 wide",
       [](const Options& o, const Numbers&) { return make_lstm(o); }},
      {"vit", "vision transformer, 4x4 patches, 6 blocks, 128 wide",
       [](const Options& o, const Numbers&) { return make_vit(o); }},
  };
  return table;
}

bool is_model_file(const std::string& name) {
  for (const ModelEntry& entry : models()) {
    if (entry.name == name || match(entry.name, name)) return false;
  }
  std::error_code error;
  return name.ends_with(".pt") || name.find('/') != std::string::npos ||
         std::filesystem::is_regular_file(name, error);
}

std::unique_ptr<Model> make_model(const std::string& name, const ModelOptions& options) {
  if (is_model_file(name)) return ScriptedModel::load(name);

  const auto [channels, height, width] = options.input;
  require(channels >= 1 && height >= 1 && width >= 1 && options.classes >= 1,
          "model {}: input and classes must be at least 1, got {}x{}x{} and {}", name, channels,
          height, width, options.classes);

  for (const ModelEntry& entry : models()) {
    require(entry.name != name || !is_family(entry),
            "--model {}: capital letters stand for numbers; see `valley list models`", name);
    if (const auto numbers = match(entry.name, name)) return entry.make(options, *numbers);
  }
  throw UsageError(unknown_model(name));
}

}  // namespace valley
