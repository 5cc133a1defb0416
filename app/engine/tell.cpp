#include "app/engine/tell.h"

#include <iostream>
#include <set>
#include <string>

namespace valley::app {

void tell(const DataNotes& notes) {
  static std::set<std::string> told;
  for (const auto& note : notes.texts())
    if (told.insert(note).second) std::cerr << note + "\n";
}

}  // namespace valley::app
