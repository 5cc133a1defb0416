#include "valley/picture/topology_picture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace valley::topology_picture_test {
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

struct Tag {
  std::string name;
  std::map<std::string, std::string> attributes;

  double number(const std::string& attribute) const { return std::stod(attributes.at(attribute)); }
};

// Reads the XML that the pictures are made of. Every tag is closed by its own end, attributes are
// quoted, and nothing is left over.
class Xml {
 public:
  explicit Xml(std::string_view text) : rest_(text) {
    while (error_.empty() && !rest_.empty()) {
      if (rest_.front() == '<') {
        read_tag();
      } else {
        read_text();
      }
    }
    if (error_.empty() && !open_.empty()) error_ = open_.back() + " is not closed";
  }

  const std::string& error() const { return error_; }

  // Those of this name whose class begins with this word.
  std::vector<Tag> find(const std::string& name, const std::string& word) const {
    std::vector<Tag> found;
    for (const auto& tag : tags_) {
      const auto value = tag.attributes.find("class");
      if (tag.name == name && value != tag.attributes.end() && value->second.starts_with(word)) {
        found.push_back(tag);
      }
    }
    return found;
  }

 private:
  std::string_view take(size_t count) {
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(taken.size());
    return taken;
  }

  bool skip(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    take(text.size());
    return true;
  }

  std::string_view name() {
    size_t length = 0;
    while (length < rest_.size() && (std::isalpha(rest_[length]) != 0 || rest_[length] == '-')) {
      ++length;
    }
    return take(length);
  }

  // The first mistake counts.
  void fail(const char* mistake) {
    if (error_.empty()) error_ = mistake;
  }

  void read_text() {
    const std::string_view text = take(rest_.find('<'));
    if (open_.empty() && text != "\n") fail("text outside");
    for (size_t at = 0; (at = text.find('&', at)) != text.npos; ++at) {
      const std::string_view entity = text.substr(at, text.find(';', at) - at);
      if (entity != "&amp" && entity != "&lt" && entity != "&gt") fail("a bare &");
    }
  }

  void read_tag() {
    if (skip("</")) {
      if (open_.empty() || name() != open_.back() || !skip(">")) fail("closed out of order");
      if (error_.empty()) open_.pop_back();
      return;
    }
    take(1);
    if (open_.empty() && !tags_.empty()) fail("a second root");
    Tag tag{std::string(name()), {}};
    if (tag.name.empty()) fail("a tag without a name");
    while (error_.empty() && skip(" ")) {
      const std::string attribute(name());
      if (attribute.empty() || !skip("=\"")) fail("an attribute without quotes");
      const std::string value(take(rest_.find('"')));
      if (!skip("\"") || value.find_first_of("<&") != value.npos) fail("a quote without end");
      if (!tag.attributes.emplace(attribute, value).second) fail("an attribute twice");
    }
    if (!skip("/>")) {
      open_.push_back(tag.name);
      if (!skip(">")) fail("a tag without end");
    }
    tags_.push_back(std::move(tag));
  }

  std::string_view rest_;
  std::string error_;
  std::vector<std::string> open_;
  std::vector<Tag> tags_;
};

TEST(TopologySvg, XmlReaderFindsMistakes) {
  EXPECT_EQ(Xml("<svg a=\"b\"><g/>x &amp; y</svg>\n").error(), "");
  EXPECT_EQ(Xml("<svg><g></svg>\n").error(), "closed out of order");
  EXPECT_EQ(Xml("<svg>a & b</svg>\n").error(), "a bare &");
  EXPECT_EQ(Xml("<svg a=b></svg>\n").error(), "an attribute without quotes");
  EXPECT_EQ(Xml("<svg a=\"b\" a=\"c\"/>").error(), "an attribute twice");
  EXPECT_EQ(Xml("<svg>").error(), "svg is not closed");
  EXPECT_EQ(Xml("<svg/><svg/>").error(), "a second root");
  EXPECT_EQ(Xml("<svg/>x").error(), "text outside");
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
      const Xml xml(picture);
      EXPECT_EQ(xml.error(), "");
      EXPECT_EQ(static_cast<int>(xml.find("circle", "node").size()), n * panels(*topology));
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
      EXPECT_EQ(static_cast<int>(xml.find("path", "edge").size()), lines);
      EXPECT_EQ(count(picture, " marker-end=") + count(picture, " marker-start="),
                topology->directed() ? arrows : 0);
      EXPECT_EQ(picture.find("nan"), std::string::npos);
    }
  }
}

// Workers lie inside the picture, and apart from each other.
TEST(TopologySvg, WorkersStandApart) {
  for (const auto& entry : topologies()) {
    if (entry.needs_argument) continue;
    for (const int n : {2, 3, 4, 7, 8, 12, 16, 32, 64, 128}) {
      if (!entry.needs.empty() && (n & (n - 1)) != 0) continue;
      SCOPED_TRACE(entry.name + " " + std::to_string(n));
      const std::string picture = svg(entry.name, n);
      auto nodes = Xml(picture).find("circle", "node");
      ASSERT_GE(nodes.size(), static_cast<size_t>(n));
      nodes.resize(static_cast<size_t>(n));  // the first step
      for (size_t j = 0; j < nodes.size(); ++j) {
        const double x = nodes[j].number("cx"), y = nodes[j].number("cy"), r = nodes[j].number("r");
        EXPECT_LE(std::max(std::abs(x), std::abs(y)) + r, 230);
        for (size_t k = 0; k < j; ++k) {
          EXPECT_GT(std::hypot(x - nodes[k].number("cx"), y - nodes[k].number("cy")), 2 * r)
              << j << " " << k;
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
  std::vector<double> widths;
  for (const Tag& edge : Xml(picture).find("path", "edge")) {
    widths.push_back(edge.number("stroke-width"));
  }
  ASSERT_EQ(widths.size(), 2u);
  EXPECT_NEAR(std::min(widths[0], widths[1]) / std::max(widths[0], widths[1]), 0.675, 0.01);
}

}  // namespace
}  // namespace valley::topology_picture_test
