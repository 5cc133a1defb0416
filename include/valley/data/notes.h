#pragma once

#include <string>
#include <vector>

namespace valley {

/// Keeps, while it lives, what the readers of data sets on this thread have to say: a sentence
/// each, on what they left out of a folder, and how much. The library prints nothing; its caller
/// decides.
///
///     const DataNotes notes;
///     const DataSplits data = load_data("mnist:/data", {});
///     for (const std::string& note : notes.texts()) std::cerr << note << "\n";
///
/// The innermost of several hears it; what was said already is not said again.
class DataNotes {
 public:
  DataNotes();
  ~DataNotes();
  DataNotes(const DataNotes&) = delete;
  DataNotes& operator=(const DataNotes&) = delete;

  const std::vector<std::string>& texts() const { return texts_; }

 private:
  friend void add_data_note(std::string text);

  DataNotes* outer_;
  std::vector<std::string> texts_;
};

/// For readers.
void add_data_note(std::string text);

}  // namespace valley
