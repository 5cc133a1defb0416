#include "valley/models/model_names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "valley/core/error.h"
#include "valley/core/names.h"

namespace valley {
namespace {

bool is_capital(char c) { return 'A' <= c && c <= 'Z'; }
bool is_digit(char c) { return '0' <= c && c <= '9'; }

bool is_family(const ModelEntry& entry) {
  return std::any_of(entry.name.begin(), entry.name.end(), is_capital);
}

// The member of the family that has the numbers of `given`: "resnet-D" for "resnet18" is
// "resnet-18". The pattern itself where `given` has fewer numbers, or where that gives no member.
std::string with_numbers_of(const std::string& given, const ModelEntry& entry) {
  std::string result;
  auto next = given.begin();
  for (const char c : entry.name) {
    if (!is_capital(c)) {
      result += c;
      continue;
    }
    next = std::find_if(next, given.end(), is_digit);
    if (next == given.end()) return entry.name;
    for (; next != given.end() && is_digit(*next); ++next) result += *next;
  }
  return entry.match(result) ? result : entry.name;
}

std::string unknown_model(const std::string& given) {
  std::vector<std::string> known, candidates;
  for (const ModelEntry& entry : models()) {
    known.push_back(entry.name);
    candidates.push_back(with_numbers_of(given, entry));
  }
  const std::string near = nearest_name(given, candidates);
  return fmt::format("unknown model '{}'{} known: {}, or a TorchScript file (net.pt)", given,
                     near.empty() ? ";" : fmt::format("; did you mean '{}'?", near),
                     fmt::join(known, ", "));
}

}  // namespace

const std::vector<ModelEntry>& models() {
  static const std::vector<ModelEntry> table = {
      {"mlp", "two hidden layers, 128 and 64 wide"},
      {"mlp-A-B", "two hidden layers, A and B wide"},
      {"lenet", "two convolutions and two linear layers, LeNet size"},
      {"vggD", "VGG with BatchNorm, depth D = 11, 13, 16 or 19 (vgg11, vgg16)"},
      {"resnet-D",
       "residual network: D = 8, 14, 20, 32, 44, 56 or 110, 16 to 64 channels; 18 or 34, 64 to "
       "512"},
      {"wide-resnet-D-K",
       "wide residual network: depth D = 6n+4, K times as wide (wide-resnet-16-4, "
       "wide-resnet-28-10)"},
      {"pyramidnet-D-A",
       "residual network that widens by A in all: depth D = 6n+2 (pyramidnet-20-48, "
       "pyramidnet-110-270)"},
      {"lstm",
       "bidirectional LSTM over the rows of the input, 2 layers, 128 wide; of text an LSTM that "
       "looks back",
       true, true},
      {"vit", "vision transformer, 4x4 patches, 6 blocks, 128 wide"},
      {"gpt-L-W", "transformer for text, L blocks, W wide (gpt-4-128, gpt-12-768)", false, true},
  };
  return table;
}

std::optional<std::vector<int64_t>> ModelEntry::match(std::string_view given) const {
  std::vector<int64_t> numbers;
  for (const char expected : name) {
    if (!is_capital(expected)) {
      if (!given.starts_with(expected)) return std::nullopt;
      given.remove_prefix(1);
      continue;
    }
    int64_t number = 0;
    const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), number);
    if (error != std::errc() || given[0] == '-' || (given[0] == '0' && end > given.data() + 1)) {
      return std::nullopt;
    }
    numbers.push_back(number);
    given.remove_prefix(static_cast<size_t>(end - given.data()));
  }
  if (!given.empty()) return std::nullopt;
  return numbers;
}

ModelChoice find_model(const std::string& name) {
  for (const ModelEntry& entry : models()) {
    require(entry.name != name || !is_family(entry),
            "{} {}: capital letters stand for numbers; see `valley list models`", Key{"model"},
            name);
    if (auto numbers = entry.match(name)) return {&entry, std::move(*numbers)};
  }
  throw UsageError(unknown_model(name));
}

void require_reads(const ModelEntry& entry, const std::string& name, bool text) {
  std::vector<std::string> others;
  for (const ModelEntry& other : models())
    if (other.reads_text) others.push_back(other.name);
  require(!text || entry.reads_text, "{} {} does not read text; {} do, or a TorchScript file",
          Key{"model"}, name, fmt::join(others, " and "));
  require(text || entry.reads_values, "{} {} reads text alone: {} text:PATH", Key{"model"}, name,
          Key{"data"});
}

bool is_model_file(const std::string& name) {
  for (const ModelEntry& entry : models()) {
    if (entry.name == name || entry.match(name)) return false;
  }
  std::error_code error;
  return name.ends_with(".pt") || name.find('/') != std::string::npos ||
         std::filesystem::is_regular_file(name, error);
}

}  // namespace valley
