#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "valley/optim/flat_parameters.h"

namespace valley {

/// The parameters of a network that its workers share, where each keeps the others for itself: a
/// body for all, and a head of one's own. In the flat vector x [d] they are some of its ranges, one
/// after the other the vector s [d'].
class SharedPart {
 public:
  /// All of it.
  SharedPart() = default;

  /// All but those that `personal` names, with * for any letters and commas between; "": all.
  /// @throws UsageError if a pattern means no parameter, or nothing is left to be shared.
  SharedPart(const FlatParameters& parameters, const std::string& personal);

  bool all() const { return ranges_.empty(); }

  /// d', of x [d].
  int64_t size_of(const at::Tensor& x) const { return all() ? x.numel() : size_; }

  /// In the order of x, each parameter by itself; empty where it is all.
  const std::vector<NamedRange>& ranges() const { return ranges_; }

  /// By parameter of the whole network, whether it is shared; empty where all are.
  const std::vector<bool>& of() const { return shared_; }

  /// s <- the shared values of x, which is made where it is undefined.
  void take(const at::Tensor& x, at::Tensor& s) const;

  /// x <- s where x is shared; the rest stays.
  void put(const at::Tensor& s, at::Tensor& x) const;

 private:
  std::vector<NamedRange> ranges_;
  std::vector<bool> shared_;
  int64_t size_ = 0;
};

}  // namespace valley
