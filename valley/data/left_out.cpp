#include "valley/data/left_out.h"

#include <fmt/ranges.h>

#include <utility>

#include "valley/data/notes.h"

namespace valley {

void LeftOut::add(std::string name) {
  constexpr size_t kNamed = 3;
  if (names_.size() < kNamed) names_.push_back(std::move(name));
  ++count_;
}

void LeftOut::note(const std::filesystem::path& folder) const {
  if (count_ == 0) return;
  add_data_note(fmt::format("{}: {} left out, {}: {}{}", folder.string(),
                            count_ == 1 ? "1 file was" : fmt::format("{} files were", count_), why_,
                            fmt::join(names_, ", "), count_ > names_.size() ? ", ..." : ""));
}

}  // namespace valley
