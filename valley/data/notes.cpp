#include "valley/data/notes.h"

#include <utility>

namespace valley {
namespace {

thread_local DataNotes* innermost = nullptr;

}  // namespace

DataNotes::DataNotes() : outer_(std::exchange(innermost, this)) {}

DataNotes::~DataNotes() { innermost = outer_; }

void add_data_note(std::string text) {
  if (innermost != nullptr) innermost->texts_.push_back(std::move(text));
}

}  // namespace valley
