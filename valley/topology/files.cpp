#include "valley/topology/files.h"

#include <cmath>
#include <optional>
#include <string_view>

#include "valley/core/atomic_file.h"
#include "valley/core/error.h"
#include "valley/core/numbers.h"

namespace valley {
namespace {

struct Line {
  int number;  // in the file, from 1
  std::vector<std::string_view> words;
};

// The lines that say something, in words that point into `text`.
std::vector<Line> read_lines(std::string_view text) {
  constexpr std::string_view kBetween = " \t\r,";
  std::vector<Line> lines;
  for (int number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view rest = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    rest = rest.substr(0, rest.find('#'));
    Line line{number, {}};
    for (size_t begin; (begin = rest.find_first_not_of(kBetween)) != rest.npos;) {
      rest.remove_prefix(begin);
      const size_t length = std::min(rest.find_first_of(kBetween), rest.size());
      line.words.push_back(rest.substr(0, length));
      rest.remove_prefix(length);
    }
    if (!line.words.empty()) lines.push_back(std::move(line));
  }
  return lines;
}

std::string given_as(const char* name, const TopologyOptions& options) {
  return fmt::format("{} {}:{}", Key{"topology"}, name, options.argument);
}

// "0.25", "1e-3" or "1/4"; nothing if it is no finite number.
std::optional<double> parse_weight(std::string_view word) {
  const size_t slash = word.find('/');
  std::optional<double> value = parse_number<double>(word.substr(0, slash));
  if (value && slash != word.npos) {
    const auto divisor = parse_number<double>(word.substr(slash + 1));
    value = divisor ? std::optional(*value / *divisor) : std::nullopt;
  }
  return value && std::isfinite(*value) ? value : std::nullopt;
}

Digraph read_edges(const TopologyOptions& options, const std::string& source, bool directed) {
  const std::string text = read_file(options.argument);
  const int n = options.workers;
  Digraph graph(n);
  for (const auto& [number, words] : read_lines(text)) {
    require(words.size() == 2, "{}: line {} must name two workers, got {} words", source, number,
            words.size());
    int ends[2];
    for (size_t i = 0; i < 2; ++i) {
      const auto rank = parse_number<int>(words[i]);
      require(rank && *rank >= 0 && *rank < n,
              "{}: line {}: '{}' is no worker; with {} {} they are 0 to {}", source, number,
              words[i], Key{"workers"}, n, n - 1);
      ends[i] = *rank;
    }
    const auto [from, to] = ends;
    require(from != to, "{}: line {}: worker {} needs no edge to itself", source, number, from);
    require(!graph.has(from, to), "{}: line {}: the edge {} {} is there already", source, number,
            from, to);
    graph.add(from, to);
    if (!directed) graph.add(to, from);
  }
  for (int j = 0; j < n; ++j) {
    const int lost = graph.unreachable_from(j);
    require(lost < 0, "{}: no way leads from worker {} to worker {}", source, j, lost);
  }
  return graph;
}

}  // namespace

std::unique_ptr<Topology> make_matrix_from_file(const TopologyOptions& options) {
  const std::string source = given_as("matrix", options);
  const std::string text = read_file(options.argument);
  const auto lines = read_lines(text);
  const size_t n = lines.size();
  require(n > 0, "{}: the file has no rows", source);
  for (const auto& [number, words] : lines) {
    require(words.size() == n, "{}: the matrix must be square; it has {} rows, line {} has {} {}",
            source, n, number, words.size(), words.size() == 1 ? "entry" : "entries");
  }
  require(n == static_cast<size_t>(options.workers), "{}: the matrix is for {} workers, {} is {}",
          source, n, Key{"workers"}, options.workers);
  MixingMatrix p(options.workers);
  for (int j = 0; j < options.workers; ++j) {
    const auto& [number, words] = lines[static_cast<size_t>(j)];
    for (int k = 0; k < options.workers; ++k) {
      const std::string_view word = words[static_cast<size_t>(k)];
      const auto weight = parse_weight(word);
      require(weight.has_value(), "{}: line {}: '{}' is no number", source, number, word);
      p(j, k) = *weight;
    }
  }
  check_doubly_stochastic(p, source);
  return repeat({p});
}

std::unique_ptr<Topology> make_edges_from_file(const TopologyOptions& options) {
  return repeat({metropolis(read_edges(options, given_as("edges", options), false))});
}

std::unique_ptr<Topology> make_directed_edges_from_file(const TopologyOptions& options) {
  return repeat(
      {column_stochastic(read_edges(options, given_as("edges-directed", options), true))});
}

}  // namespace valley
