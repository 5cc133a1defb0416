#pragma once

#include <string>

namespace valley {

/// A path as a person writes it: "~" and "~/x" mean the home folder, $HOME, wherever the text comes
/// from. A shell does this only at the beginning of a word, so that --out=~/x, mnist:~/x and a text
/// in a file keep their tilde. Everything else is left as it is. `what` ("--out") is named in
/// errors.
///
/// @throws UsageError for "~name", another's home, which would become a folder of that name; where
///     HOME is not set.
std::string expand_home(const std::string& path, const std::string& what);

}  // namespace valley
