#include "valley/data/notes.h"

#include <algorithm>
#include <utility>

namespace valley {
namespace {

thread_local DataNotes* innermost = nullptr;

}  // namespace

DataNotes::DataNotes() : outer_(std::exchange(innermost, this)) {}

DataNotes::~DataNotes() { innermost = outer_; }

void add_data_note(std::string text) {
  if (innermost == nullptr) return;
  auto& texts = innermost->texts_;
  if (std::find(texts.begin(), texts.end(), text) == texts.end()) texts.push_back(std::move(text));
}

}  // namespace valley
