#pragma once

#include <string>

#include "valley/data/dataset.h"

namespace valley {

/// The package index of a Debian or its like: which section is a package of, by its description? A
/// real text set that every such machine has, whose examples are of many makers.
///
/// `path` is /var/lib/apt/lists, of which apt-cache gives what this machine knows, or a Packages
/// file, gzipped or not. Of packages of one name the first counts.
///
/// An example is the short description as a bag of words: [1000, 1, 1] uint8, 1 where one of the
/// 1000 commonest words of the training packages' is in it; words are letters and digits in lower
/// case. Classes are the sections (behind "contrib/" and the like) of which training has 20
/// packages and testing one at least; packages of others, or without description, are left out and
/// counted. The test part are the fifth of the packages whose name has a CRC-32C that 5 divides, so
/// that it depends on nothing else. Origins are the maintainers.
///
/// How many packages of which release, and a CRC-32C of all that was read of them, is a data note:
/// an index changes with every update of the machine.
/// @throws UsageError where apt has no lists or no apt-cache, for a file without packages.
DataSplits load_package_index(const std::string& path, const DataOptions& options);

}  // namespace valley
