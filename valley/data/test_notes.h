#pragma once

#include <string>
#include <vector>

#include "valley/data/notes.h"

namespace valley {

/// What the readers that `body` calls have to say.
template <typename Body>
std::vector<std::string> notes_of(const Body& body) {
  const DataNotes notes;
  body();
  return notes.texts();
}

}  // namespace valley
