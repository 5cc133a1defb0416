#pragma once

#include <string>

#include "valley/data/dataset.h"

namespace valley {

/// JPEG and PNG files, one folder a class, the classes in the order of their folders' names (byte
/// by byte). `folder` holds
///
///     train/CLASS/* and test/CLASS/* (or val/, valid/, validation/)    the parts, or
///     CLASS/*  or  train/CLASS/* alone     a fifth of every class's files, drawn from
///                                          options.seed, is held out as the test set
///
/// Pictures are brought to options.image_size x options.image_size (resize_and_crop()), or must be
/// of one size already. They have one channel if none is in colour, else three. Decoded once, into
/// a store on disk: see stored_pictures().
///
/// Left out, counted and said: hidden files and what is no folder where classes are expected, and
/// files that cannot be read, unless options.strict.
/// @throws UsageError for a class without pictures, or with one alone where some are held out, a
///     test class that training lacks, pictures of several sizes, and with `strict` the first file
///     that cannot be read.
DataSplits load_pictures(const std::string& folder, const DataOptions& options);

}  // namespace valley
