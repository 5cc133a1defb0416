#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace valley {

struct IdxSplitFiles {
  std::filesystem::path images, labels;
};

/// The four files of a set in MNIST's format.
struct IdxFiles {
  IdxSplitFiles train = {}, test = {};
  std::vector<std::string> notes = {};  ///< what was left out, see DataNotes
};

/// Looks for them where people have them:
///
///     train-images-idx3-ubyte, train-labels-idx1-ubyte and t10k-... or test-...
///
/// each also as .gz, also spelled train-images.idx3-ubyte, and also in a folder of its own name, as
/// some archives unpack. All four may begin with the name of the set: emnist-letters-train-... .
/// `path` is their folder, or, where that holds several sets, their folder and the set's name:
/// data/emnist-letters. In a folder with files of both kinds those without a name are the set.
/// `usage` ("mnist:PATH") and `remedy` go into the errors.
/// @throws UsageError for a file that is missing, empty or none; for several sets, none of which
/// was
///     named.
IdxFiles find_idx_files(const std::string& path, const std::string& usage,
                        const std::string& remedy);

}  // namespace valley
