#include "valley/data/package_index.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "valley/core/crc32c.h"
#include "valley/data/test_files.h"
#include "valley/data/test_notes.h"

namespace valley::package_index_test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

std::string paragraph(const std::string& name, const std::string& section, int maker,
                      const std::string& description) {
  return fmt::format(
      "Package: {}\nVersion: 1\nMaintainer: maker {} <m@x>\nDescription: {}\n more of it\nSection: "
      "{}\n\n",
      name, maker, description, section);
}

std::string index_of(int packages) {
  std::string text;
  for (int i = 0; i < packages; ++i) {
    text += paragraph(fmt::format("play{}", i), "games", i % 5, "A Game, fast");
    text += paragraph(fmt::format("talk{}", i), "contrib/net", i % 3, "client of a network");
  }
  return text;
}

class PackageIndex : public testing::Test {
 protected:
  DataSplits load(const std::string& text) {
    write_gzip(path_, {text.begin(), text.end()});
    DataSplits data;
    notes_ = notes_of([&] { data = load_package_index(path_, {}); });
    return data;
  }

  DataFolder folder_;
  std::string path_ = folder_ / "Packages.gz";
  std::vector<std::string> notes_;
};

TEST_F(PackageIndex, SectionsByDescription) {
  const std::string text = index_of(60);
  const auto [train, test] =
      load(text + paragraph("play0", "games", 9, "another version") +
           paragraph("odd", "rare", 1, "alone") + "Package: bare\nSection: games\n\n");
  EXPECT_THAT(train->class_names, ElementsAre("games", "net"));
  EXPECT_EQ(train->size() + test->size(), 120);
  int64_t held_out = 0;
  for (int i = 0; i < 60; ++i)
    for (const char* kind : {"play", "talk"})
      held_out += crc32c(fmt::format("{}{}", kind, i)) % 5 == 0 ? 1 : 0;
  EXPECT_EQ(test->size(), held_out);
  EXPECT_THAT(train->inputs.sizes().slice(1).vec(), ElementsAre(1000, 1, 1));
  // a, game, fast / client, of, a, network: in every example three or four of the seven words.
  const at::Tensor words = train->inputs.flatten(1).sum(1);
  for (int64_t i = 0; i < train->size(); ++i)
    EXPECT_EQ(words[i].item<int64_t>(), train->targets[i].item<int64_t>() == 0 ? 3 : 4);
  EXPECT_EQ(train->origins.max().item<int64_t>(), 4);
  EXPECT_THAT(notes_, Contains(HasSubstr("2 of 122 packages are left out: 1 without section or "
                                         "description, 1 in 1 sections that have too few")));
  EXPECT_THAT(notes_, Contains(HasSubstr("120 packages of 5 maintainers, CRC-32C ")));
}

TEST_F(PackageIndex, ItsSumTellsOneFromAnother) {
  const auto sum = [&](const std::string& text) {
    load(text);
    return notes_.back().substr(notes_.back().rfind(' '));
  };
  const std::string first = sum(index_of(60));
  EXPECT_EQ(sum(index_of(60)), first);
  EXPECT_NE(sum(index_of(61)), first);
}

TEST_F(PackageIndex, Refused) {
  EXPECT_THAT(usage_error([&] { load_package_index(folder_.string(), {}); }),
              HasSubstr("holds no package lists: `apt-get update` fetches them"));
  EXPECT_THAT(usage_error([&] { load_package_index(folder_ / "no", {}); }),
              HasSubstr("is missing"));
  EXPECT_EQ(usage_error([&] { load("no packages\n"); }), path_ + " holds no packages");
  EXPECT_EQ(usage_error([&] { load(index_of(3)); }),
            path_ + ": no section has 20 packages to train on and one to test");
}

}  // namespace
}  // namespace valley::package_index_test
