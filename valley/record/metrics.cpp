#include "valley/record/metrics.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "valley/core/atomic_file.h"
#include "valley/core/error.h"

namespace valley {
namespace {

struct Line {
  std::string_view text;
  Json record;
};

// The last line may be torn by a crash; a broken one before it means that this is no metrics file.
std::vector<Line> parse_lines(std::string_view content, const std::filesystem::path& path) {
  std::vector<Line> lines;
  for (int number = 1; !content.empty(); ++number) {
    const size_t end = std::min(content.find('\n'), content.size());
    const std::string_view text = content.substr(0, end);
    content.remove_prefix(std::min(end + 1, content.size()));

    Json record = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (record.is_object()) {
      lines.push_back({text, std::move(record)});
    } else {
      require(content.empty(), "{}:{} is no JSON object", path.string(), number);
    }
  }
  return lines;
}

bool is_beyond(const Json& record, int64_t step) {
  const auto found = record.find("step");
  return found != record.end() && found->is_number() && found->get<double>() > step;
}

}  // namespace

MetricsWriter::MetricsWriter(const std::filesystem::path& path) : file_(path) {}

MetricsWriter MetricsWriter::resume(const std::filesystem::path& path, int64_t step) {
  if (!std::filesystem::exists(path)) return MetricsWriter(path);
  const std::string content = read_file(path);
  std::string kept;
  for (const auto& [text, record] : parse_lines(content, path)) {
    if (!is_beyond(record, step)) kept.append(text).push_back('\n');
  }
  if (kept != content) write_atomically(path, kept);
  return MetricsWriter(path);
}

void MetricsWriter::append(const Json& record) { file_.append(to_line(record) + '\n'); }

std::vector<Json> read_metrics(const std::filesystem::path& path) {
  const std::string content = read_file(path);
  std::vector<Json> records;
  for (auto& line : parse_lines(content, path)) records.push_back(std::move(line.record));
  return records;
}

}  // namespace valley
