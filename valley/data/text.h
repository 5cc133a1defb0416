#pragma once

#include <string>

#include "valley/data/dataset.h"

namespace valley {

/// A text whose tokens are its bytes, a vocabulary of 256: whatever its language and encoding.
///
/// `path` is a file, gzipped or not (the content decides), or a folder of such at any depth, which
/// are read one after the other in the order of their paths. Of T = options.context:
///
///     example i     bytes i T ... i T + T - 1, as they are [T]
///     its targets   bytes i T + 1 ... i T + T: what follows each of them [T]
///
/// The last tenth of the examples, one at least, is the test set; where a folder has the folders
/// train and test, each is a text of its own. Bytes at the end that fill no sequence are left out,
/// as are in a folder files that are empty, hidden, hold a zero byte or cannot be read (with
/// options.strict the last three are errors), and links to files that are read already. All that is
/// said by data notes.
///
/// With options.vocabulary its tokens are those of that file (vocabulary.h), found in each text as
/// a whole, and all of the above is counted in them; they are held once, as int32.
///
/// Memory: a file that is not gzipped is mapped, and inputs and targets are two views of it; all
/// others are held once, unpacked.
/// @throws UsageError for a path without text, or one too short for a sequence to train on and one
///     to test.
DataSplits load_text(const std::string& path, const DataOptions& options);

/// The last tokens of a text, `most` of them or fewer: [1, n] uint8, of a vocabulary int32.
/// @throws UsageError for a file that is missing or cannot be read
at::Tensor end_of_text(const std::string& path, int64_t most, const Vocabulary* words = nullptr);
at::Tensor end_of_prompt(const std::string& prompt, int64_t most, const Vocabulary* words);

}  // namespace valley
