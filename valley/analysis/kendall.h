#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace valley {

/// How far two orders agree: Kendall's tau-b of n pairs (x_i, y_i),
///
///     tau_b = (C - D) / sqrt((C + D + T_x) (C + D + T_y)),
///
/// C and D the concordant and discordant pairs of pairs, T_x those tied in x alone, T_y in y alone;
/// those tied in both count nowhere. In [-1, 1]; none where x or y is all one value, or n < 2.
/// Cost: n (n - 1) / 2 comparisons. Source: M. G. Kendall, "The treatment of ties in ranking
/// problems", Biometrika 33 (1945). Both lists are of one length and hold no NaN.
std::optional<double> kendall_tau_b(const std::vector<double>& x, const std::vector<double>& y);

/// A sample of a bootstrap, as places in what it is drawn from.
using Resampled = std::vector<size_t>;

/// `draws` samples of blocks, as many as there are, with replacement: block[i] is what i belongs
/// to, and the members of a block come and go together, since they are not independent. All of them
/// in blocks of their own is the plain bootstrap.
std::vector<Resampled> block_bootstrap(const std::vector<int64_t>& block, int64_t draws,
                                       uint64_t seed);

/// The standard error of tau-b: its deviation over these samples; those without a tau are left out.
/// None for fewer than 3 pairs, or where fewer than half of the samples have a tau.
std::optional<double> kendall_standard_error(const std::vector<double>& x,
                                             const std::vector<double>& y,
                                             const std::vector<Resampled>& samples);

/// A measure's power to order the runs of a grid where one setting changes and all others stay
/// (Jiang et al., "Fantastic Generalization Measures and Where to Find Them", ICLR 2020): a
/// measure that only follows the learning rate, say, has a high tau over all runs and a
/// low one within the groups of the other settings.
struct GranulatedTau {
  /// psi_i for axis i: the mean of tau-b over the groups of runs that differ in axis i alone;
  /// none where no group says anything.
  std::vector<std::optional<double>> axes;
  std::vector<int64_t> groups;  ///< how many said something, for each axis
  std::optional<double> mean;   ///< Psi, the mean of the psi_i there are
};

/// `places[r]` are the coordinates of run r in the grid. Axes of which `averaged` is true (seeds)
/// have no coefficient of their own; runs are compared at one value of theirs.
///
/// Our reading, where the paper is silent: a group whose y are all tied has no order to find, and
/// says nothing; one whose x are all tied, y not, counts as 0, for x had its chance.
GranulatedTau granulated_tau(const std::vector<std::vector<int64_t>>& places,
                             const std::vector<bool>& averaged, const std::vector<double>& x,
                             const std::vector<double>& y);

/// The standard error of its mean, over samples as those of kendall_standard_error(): a group has
/// the members that a sample left it, one that came twice tied with itself.
std::optional<double> granulated_standard_error(const std::vector<std::vector<int64_t>>& places,
                                                const std::vector<bool>& averaged,
                                                const std::vector<double>& x,
                                                const std::vector<double>& y,
                                                const std::vector<Resampled>& samples);

}  // namespace valley
