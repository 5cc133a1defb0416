#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The names of models, known without LibTorch.
namespace valley {

/// One model, or a family of them: capital letters in the name stand for whole numbers. The row
/// "wide-resnet-D-K" answers to "wide-resnet-28-10" with the numbers {28, 10}.
struct ModelEntry {
  std::string name;
  std::string summary;
  bool reads_values = true;  ///< [B, C, H, W]
  bool reads_text = false;   ///< tokens [B, T]

  /// The numbers in `given` if it is this model, or one of this family; none of them starts with 0,
  /// so that a model has one name.
  std::optional<std::vector<int64_t>> match(std::string_view given) const;
};

/// Every model by name; `valley list models`, --help and the tests read this table.
const std::vector<ModelEntry>& models();

struct ModelChoice {
  const ModelEntry* entry;
  std::vector<int64_t> numbers;
};

/// The row that answers to `name`. @throws UsageError for an unknown name (the nearest is offered)
///     or that of a family.
ModelChoice find_model(const std::string& name);

/// @throws UsageError if the model of that name and row does not read text, or nothing else.
void require_reads(const ModelEntry& entry, const std::string& name, bool text);

/// Whether `name` stands for a TorchScript file: it is no name of the registry, and there is such a
/// file, or it can only be one ("net.pt", "exports/net").
bool is_model_file(const std::string& name);

}  // namespace valley
