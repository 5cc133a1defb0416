#include "valley/topology/draw.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <regex>
#include <string>
#include <vector>

namespace valley {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string svg(const std::string& name, int n, const std::string& caption = "") {
  return topology_svg(*make_topology(name, {.workers = n}), name, caption);
}

int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (size_t at = 0; (at = text.find(part, at)) != text.npos; at += part.size()) ++found;
  return found;
}

// Every tag is closed by its own end, attributes are quoted, and nothing is left over.
std::string what_is_wrong_with_xml(const std::string& text) {
  static const std::regex tag(R"(<(/?)([A-Za-z]+)((?:\s+[A-Za-z:-]+="[^"<]*")*)\s*(/?)>)",
                              std::regex::optimize);
  static const std::regex entity("&(amp|lt|gt|quot);");
  std::vector<std::string> open;
  size_t at = 0;
  while (at < text.size()) {
    if (text[at] == '<') {
      std::smatch match;
      const auto begin = text.begin() + static_cast<std::ptrdiff_t>(at);
      if (!std::regex_search(begin, text.end(), match, tag,
                             std::regex_constants::match_continuous)) {
        return "no tag: " + text.substr(at, 60);
      }
      if (match[1].length() > 0) {
        if (open.empty() || open.back() != match[2]) return "closed out of order: " + match.str();
        open.pop_back();
        if (open.empty())
          return text.substr(at + match.str().size()) == "\n" ? "" : "something follows";
      } else if (match[4].length() == 0) {
        open.push_back(match[2]);
      }
      at += match.str().size();
    } else {
      if (text[at] == '&' &&
          !std::regex_search(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(), entity,
                             std::regex_constants::match_continuous)) {
        return "a bare &";
      }
      if (open.empty()) return "text outside";
      ++at;
    }
  }
  return "not closed";
}

TEST(TopologySvg, XmlCheckerFindsMistakes) {
  EXPECT_EQ(what_is_wrong_with_xml("<svg a=\"b\"><g/>x &amp; y</svg>\n"), "");
  EXPECT_NE(what_is_wrong_with_xml("<svg><g></svg>\n"), "");
  EXPECT_NE(what_is_wrong_with_xml("<svg>a & b</svg>\n"), "");
  EXPECT_NE(what_is_wrong_with_xml("<svg a=b></svg>\n"), "");
  EXPECT_NE(what_is_wrong_with_xml("<svg>"), "");
}

// How many pictures of steps it has.
int panels(const Topology& topology) {
  return static_cast<int>(topology.cycle() == 0 ? 6 : std::min<int64_t>(topology.cycle(), 6));
}

TEST(TopologySvg, OfEveryRowHasItsWorkersAndEdges) {
  for (const auto& entry : topologies()) {
    if (entry.needs_argument) continue;
    for (const int n : {1, 2, 3, 4, 5, 8, 16, 32, 128}) {
      if (!entry.needs.empty() && (n & (n - 1)) != 0) continue;
      SCOPED_TRACE(entry.name + " " + std::to_string(n));
      const auto topology = make_topology(entry.name, {.workers = n});
      const std::string picture = topology_svg(*topology, entry.name, "a caption");
      EXPECT_EQ(what_is_wrong_with_xml(picture), "");
      EXPECT_EQ(count(picture, "<circle class=\"node"), n * panels(*topology));
      int lines = 0, arrows = 0;
      for (int t = 0; t < panels(*topology); ++t) {
        const Digraph graph = topology->graph(t);
        for (int j = 0; j < n; ++j) {
          for (int k = 0; k < j; ++k) {
            lines += graph.has(j, k) || graph.has(k, j);
            arrows += graph.has(j, k) + graph.has(k, j);
          }
        }
      }
      EXPECT_EQ(count(picture, "<path class=\"edge"), lines);
      EXPECT_EQ(count(picture, " marker-end=") + count(picture, " marker-start="),
                topology->directed() ? arrows : 0);
      EXPECT_EQ(picture.find("nan"), std::string::npos);
    }
  }
}

// Workers lie inside the picture, and apart from each other.
TEST(TopologySvg, WorkersStandApart) {
  static const std::regex node(
      R"re(<circle class="node[^"]*" cx="([-\d.]+)" cy="([-\d.]+)" r="([\d.]+)")re");
  for (const auto& entry : topologies()) {
    if (entry.needs_argument) continue;
    for (const int n : {2, 3, 4, 7, 8, 12, 16, 32, 64, 128}) {
      if (!entry.needs.empty() && (n & (n - 1)) != 0) continue;
      SCOPED_TRACE(entry.name + " " + std::to_string(n));
      const std::string picture = svg(entry.name, n);
      const std::string first = picture.substr(0, picture.find("</g>"));
      std::vector<std::array<double, 3>> nodes;
      for (std::sregex_iterator match(first.begin(), first.end(), node), end; match != end;
           ++match) {
        nodes.push_back({std::stod((*match)[1]), std::stod((*match)[2]), std::stod((*match)[3])});
      }
      ASSERT_EQ(nodes.size(), static_cast<size_t>(n));
      for (size_t j = 0; j < nodes.size(); ++j) {
        const auto& [x, y, r] = nodes[j];
        EXPECT_LE(std::max(std::abs(x), std::abs(y)) + r, 230);
        for (size_t k = 0; k < j; ++k) {
          EXPECT_GT(std::hypot(x - nodes[k][0], y - nodes[k][1]), 2 * r) << j << " " << k;
        }
      }
    }
  }
}

TEST(TopologySvg, SaysWhatItShows) {
  const std::string ring = svg("ring", 4, "gap < 1 & > 0");
  EXPECT_THAT(ring, HasSubstr("<title id=\"title\">ring, 4 workers</title>"));
  EXPECT_THAT(ring, HasSubstr("<desc id=\"desc\">4 workers on a circle. 4 exchanges: 0 and 1, "
                              "0 and 3, 1 and 2, 2 and 3.</desc>"));
  EXPECT_THAT(ring, HasSubstr(">gap &lt; 1 &amp; &gt; 0</text>"));
  EXPECT_THAT(ring, HasSubstr("prefers-color-scheme: dark"));
  EXPECT_THAT(ring, HasSubstr("role=\"img\" aria-labelledby=\"title desc\""));
  EXPECT_THAT(svg("directed-ring", 2),
              HasSubstr("<desc id=\"desc\">2 workers on a circle. 1 exchange: 0 and 1.</desc>"));
  EXPECT_THAT(svg("directed-ring", 3),
              HasSubstr("3 workers on a circle. 3 messages: 0 to 1, 1 to 2, 2 to 0."));
  EXPECT_THAT(svg("one-peer-hypercube", 4),
              HasSubstr("4 workers at the corners of a cube of 2 dimensions. Step 0: 2 exchanges: "
                        "0 and 1, 2 and 3. Step 1: 2 exchanges: 0 and 2, 1 and 3."));
  EXPECT_THAT(svg("torus", 12), HasSubstr("12 workers in 3 rows of 4."));
  EXPECT_THAT(svg("star", 5), HasSubstr("5 workers around worker 0."));
  // A list nobody would listen to is left out.
  EXPECT_THAT(svg("complete", 32), HasSubstr("32 workers on a circle. 496 exchanges.</desc>"));
}

TEST(TopologySvg, ExplainsItsColours) {
  EXPECT_THAT(svg("ring", 8), Not(HasSubstr("places apart")));
  const std::string exponential = svg("exponential", 16);
  EXPECT_THAT(exponential, HasSubstr("places apart:"));
  for (const char* hop : {"1", "2", "4", "8"}) {
    EXPECT_THAT(exponential, HasSubstr(std::string("text-anchor=\"start\">") + hop + "</text>"));
  }
  EXPECT_THAT(svg("complete", 64), HasSubstr(">16-31</text>"));
  EXPECT_THAT(svg("torus", 9), HasSubstr(">around the edge</text>"));
}

TEST(TopologySvg, ShowsWhoRests) {
  EXPECT_EQ(count(svg("matching", 5), "class=\"node alone\""), 6);
  EXPECT_EQ(count(svg("matching", 6), "class=\"node alone\""), 0);
}

TEST(TopologySvg, DrawsHeavierEdgesThicker) {
  MixingMatrix p = MixingMatrix::identity(3);
  const auto set = [&](int j, int k, double weight) {
    p(j, k) = p(k, j) = weight;
    p(j, j) -= weight;
    p(k, k) -= weight;
  };
  set(0, 1, 0.5);
  set(1, 2, 0.25);
  const std::string picture = topology_svg(*repeat({p}), "matrix:w.txt", "");
  EXPECT_THAT(picture, HasSubstr("matrix:w.txt, 3 workers"));
  static const std::regex width("class=\"edge k0\" stroke-width=\"([\\d.]+)\"");
  std::vector<double> widths;
  for (std::sregex_iterator match(picture.begin(), picture.end(), width), end; match != end;
       ++match) {
    widths.push_back(std::stod((*match)[1]));
  }
  ASSERT_EQ(widths.size(), 2u);
  EXPECT_NEAR(std::min(widths[0], widths[1]) / std::max(widths[0], widths[1]), 0.675, 0.01);
}

}  // namespace
}  // namespace valley
