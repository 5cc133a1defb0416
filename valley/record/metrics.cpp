#include "valley/record/metrics.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "valley/core/atomic_file.h"
#include "valley/core/checksum.h"
#include "valley/core/error.h"
#include "valley/core/nesting.h"
#include "valley/record/json_checksum.h"

namespace valley {
namespace {

struct Line {
  std::string_view text;
  Json record;
  std::string damage;  // what is wrong with it
};

// The last line may be torn by a crash, which leaves it without its end; it is left out.
std::vector<Line> parse_lines(std::string_view content, const std::filesystem::path& path) {
  std::vector<Line> lines;
  for (int number = 1; !content.empty(); ++number) {
    const size_t end = std::min(content.find('\n'), content.size());
    const std::string_view text = content.substr(0, end);
    const bool torn = end == content.size() || (text.empty() && end + 1 == content.size());
    content.remove_prefix(std::min(end + 1, content.size()));

    const std::string place = fmt::format("{}:{}", path.string(), number);
    Line line{text, {}, ""};
    const bool deep = is_too_deep(text);
    if (!deep) line.record = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!line.record.is_object()) {
      if (torn) break;
      line.damage = deep ? too_deep(place) : place + " is no JSON object";
    } else {
      try {
        line.record = without_checksum(std::move(line.record), place);
      } catch (const DamagedFile& error) {
        line.damage = error.what();
      }
    }
    lines.push_back(std::move(line));
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
  std::string kept, damaged;
  int64_t count = 0;
  const std::vector<Line> lines = parse_lines(content, path);
  const bool foreign = std::all_of(lines.begin(), lines.end(),
                                   [](const Line& line) { return !line.damage.empty(); });
  require(lines.empty() || !foreign, "{}", lines.empty() ? "" : lines.front().damage);
  for (const Line& line : lines) {
    if (!line.damage.empty()) {
      damaged.append(line.text).push_back('\n');
      ++count;
    } else if (!is_beyond(line.record, step)) {
      kept.append(line.text).push_back('\n');
    }
  }
  if (count > 0) AppendFile(path.string() + ".damaged").append(damaged);
  if (kept != content) write_atomically(path, kept);
  MetricsWriter writer(path);
  writer.damaged_lines_ = count;
  return writer;
}

void MetricsWriter::append(const Json& record) {
  file_.append(to_line(with_checksum(record)) + '\n');
}

std::vector<Json> read_metrics(const std::filesystem::path& path) {
  const std::string content = read_file(path);
  std::vector<Json> records;
  for (auto& line : parse_lines(content, path)) {
    if (!line.damage.empty()) throw DamagedFile(line.damage);
    records.push_back(std::move(line.record));
  }
  return records;
}

}  // namespace valley
