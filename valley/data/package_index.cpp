#include "valley/data/package_index.h"

#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string_view>
#include <tuple>
#include <vector>

#include "valley/core/crc32c.h"
#include "valley/core/error.h"
#include "valley/data/bytes.h"
#include "valley/data/notes.h"
#include "valley/data/statistics.h"

namespace valley {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kWords = 1000;
constexpr size_t kFewest = 20;  // packages of a section to train on
constexpr uint32_t kTestPart = 5;

struct Package {
  std::string name, section, maintainer, description;

  bool is_test() const { return crc32c(name) % kTestPart == 0; }
};

// What this machine's apt knows, whichever way its lists are packed.
std::string apt_index(const fs::path& lists) {
  std::error_code error;
  bool any = false;
  for (const auto& entry : fs::directory_iterator(lists, error))
    any = any || entry.path().filename().string().find("_Packages") != std::string::npos;
  require(any,
          "{} holds no package lists: `apt-get update` fetches them, or give a Packages file as "
          "debian-section:FILE",
          lists.string());
  FILE* pipe = popen("apt-cache dumpavail 2> /dev/null", "r");
  require(pipe != nullptr, "apt-cache cannot be started");
  std::string text;
  std::array<char, 1 << 16> buffer;
  while (const size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe))
    text.append(buffer.data(), got);
  require(pclose(pipe) == 0,
          "`apt-cache dumpavail` has failed; give a Packages file as "
          "debian-section:FILE");
  return text;
}

std::string file_text(const fs::path& path) {
  require_data_file(path, "debian-section:PATH takes a Packages file");
  ByteReader reader(path);
  constexpr int64_t kMost = int64_t{1} << 30;
  const std::vector<uint8_t> bytes = reader.read(kMost);
  reader.skip_to_end();
  return {bytes.begin(), bytes.end()};
}

// Paragraphs of "Key: value"; a line that begins with a space goes on with the one before. By name.
std::vector<Package> packages_in(std::string_view text) {
  std::map<std::string, Package> packages;
  Package now;
  const auto end_of_paragraph = [&] {
    if (!now.name.empty()) packages.emplace(now.name, now);
    now = {};
  };
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) end_of_paragraph();
    for (const auto& [key, value] :
         {std::pair<std::string_view, std::string*>{"Package: ", &now.name},
          {"Section: ", &now.section},
          {"Maintainer: ", &now.maintainer},
          {"Description: ", &now.description},
          {"Description-en: ", &now.description}})
      if (line.starts_with(key)) *value = line.substr(key.size());
  }
  end_of_paragraph();
  std::vector<Package> all;
  for (auto& [name, package] : packages) {
    package.section.erase(0, package.section.rfind('/') + 1);  // of contrib/net: net
    all.push_back(std::move(package));
  }
  return all;
}

std::set<std::string> words_of(const std::string& description) {
  std::set<std::string> words;
  std::string word;
  for (const char c : description + " ") {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte)) {
      word += static_cast<char>(std::tolower(byte));
    } else if (!word.empty()) {
      words.insert(std::exchange(word, {}));
    }
  }
  return words;
}

std::string release_name() {
  std::ifstream file("/etc/os-release");
  for (std::string line; std::getline(file, line);) {
    constexpr std::string_view kKey = "PRETTY_NAME=";
    if (!line.starts_with(kKey)) continue;
    line.erase(0, kKey.size());
    std::erase(line, '"');
    return line;
  }
  return "an unknown release";
}

void leave_out_rare(std::vector<Package>& packages, const std::string& path) {
  const size_t all = packages.size();
  std::erase_if(packages,
                [](const Package& p) { return p.section.empty() || p.description.empty(); });
  const size_t described = packages.size();
  std::map<std::string, std::array<size_t, 2>> counts;  // to train on, to test
  for (const Package& package : packages) ++counts[package.section][package.is_test() ? 1 : 0];
  size_t sections = 0;
  for (const auto& [section, count] : counts)
    sections += count[0] < kFewest || count[1] == 0 ? 1 : 0;
  std::erase_if(packages, [&](const Package& p) {
    return counts[p.section][0] < kFewest || counts[p.section][1] == 0;
  });
  if (all > packages.size())
    add_data_note(fmt::format(
        "{}: {} of {} packages are left out: {} without section or description, {} in {} sections "
        "that have too few",
        path, all - packages.size(), all, all - described, described - packages.size(), sections));
}

void note_what_it_is(const std::vector<Package>& packages, const std::string& path, bool own) {
  uint32_t sum = 0;
  std::set<std::string_view> makers;
  for (const Package& p : packages) {
    sum = crc32c(fmt::format("{}\t{}\t{}\t{}\n", p.name, p.section, p.maintainer, p.description),
                 sum);
    makers.insert(p.maintainer);
  }
  add_data_note(fmt::format("{}: {} packages of {} maintainers{}, CRC-32C {:08x}", path,
                            packages.size(), makers.size(),
                            own ? ", " + release_name() : std::string(), sum));
}

// The commonest, and their places.
std::map<std::string, int64_t> common_words(const std::vector<Package>& packages) {
  std::map<std::string, int64_t> counts;
  for (const Package& package : packages)
    if (!package.is_test())
      for (const std::string& word : words_of(package.description)) ++counts[word];
  std::vector<std::pair<int64_t, std::string>> order;
  for (const auto& [word, count] : counts) order.emplace_back(-count, word);
  std::sort(order.begin(), order.end());
  std::map<std::string, int64_t> places;
  for (size_t k = 0; k < std::min<size_t>(order.size(), kWords); ++k)
    places[order[k].second] = static_cast<int64_t>(k);
  return places;
}

std::shared_ptr<Dataset> part_of(const std::vector<Package>& packages, bool test,
                                 const std::map<std::string, int64_t>& places,
                                 const std::vector<std::string>& sections) {
  std::vector<const Package*> chosen;
  for (const Package& package : packages)
    if (package.is_test() == test) chosen.push_back(&package);
  auto data = std::make_shared<Dataset>();
  data->inputs = at::zeros({static_cast<int64_t>(chosen.size()), kWords, 1, 1}, at::kByte);
  auto* to = data->inputs.data_ptr<uint8_t>();
  std::vector<int64_t> targets, origins;
  std::map<std::string_view, int64_t> makers;
  for (const Package* package : chosen) {
    for (const std::string& word : words_of(package->description))
      if (const auto found = places.find(word); found != places.end()) to[found->second] = 1;
    to += kWords;
    targets.push_back(std::lower_bound(sections.begin(), sections.end(), package->section) -
                      sections.begin());
    origins.push_back(
        makers.emplace(package->maintainer, static_cast<int64_t>(makers.size())).first->second);
  }
  data->targets = at::tensor(targets, at::kLong);
  data->origins = at::tensor(origins, at::kLong);
  data->classes = static_cast<int64_t>(sections.size());
  data->class_names = sections;
  return data;
}

}  // namespace

DataSplits load_package_index(const std::string& path, const DataOptions&) {
  std::error_code error;
  const bool own = fs::is_directory(path, error);
  std::vector<Package> packages = packages_in(own ? apt_index(path) : file_text(path));
  require(!packages.empty(), "{} holds no packages", path);
  leave_out_rare(packages, path);
  require(!packages.empty(), "{}: no section has {} packages to train on and one to test", path,
          kFewest);
  note_what_it_is(packages, path, own);
  std::vector<std::string> sections;
  for (const Package& package : packages) sections.push_back(package.section);
  std::sort(sections.begin(), sections.end());
  sections.erase(std::unique(sections.begin(), sections.end()), sections.end());
  const auto places = common_words(packages);
  const auto train = part_of(packages, false, places, sections),
             test = part_of(packages, true, places, sections);
  normalise_by_training(*train, *test);
  return {train, test};
}

}  // namespace valley
