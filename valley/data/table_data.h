#pragma once

#include <string>

#include "valley/data/dataset.h"

namespace valley {

/// Examples are the rows of a table: FILE.csv, of which a fifth of the rows, drawn from
/// options.seed, is held out as the test set; or a folder with train.csv and test.csv (or .csv.gz).
///
/// Inputs are [N, F, 1, 1] float32. A column of numbers is one feature, normalised by mean and
/// deviation of the training rows; a missing one ("", NA, N/A, NaN, null, none, ?) becomes the mean
/// of those that are there. Any other column becomes one feature a text that training has, 1 where
/// the row has it and 0 elsewhere; a missing text is a text.
///
/// The target is the column options.target (a name, or the number of a table without header), or
/// the last one. Its texts are the classes, numbers in their order and others byte by byte; with
/// options.real_targets it must hold numbers, which are normalised as features are, with
/// options.many_labels 0 or 1; of these two there may be several columns, [N, K]. A row without a
/// target is left out.
///
/// Other tables are read (Dataset::reader) by the names of the columns, in any order, with the
/// target or without.
/// @throws UsageError with file and row: what read_csv() throws, a target column that is not there,
///     an infinite number, a test class that training lacks, a column of more than 1000 texts.
DataSplits load_table(const std::string& path, const DataOptions& options);

}  // namespace valley
