#pragma once

#include <memory>
#include <string>

#include "valley/algorithms/options.h"
#include "valley/algorithms/shared_settings.h"

namespace valley {

struct CdAdamOptions {
  std::string compress = "top-k:0.1";  ///< make_compressor() takes it
};

template <typename V>
void visit(CdAdamOptions& o, V& v) {
  v(kCompress, o.compress);
}

/// CD-Adam: AMSGrad on a mean gradient that is compressed on both ways, as differences to what all
/// know already. r_m is what the others take for worker m's gradient, w what all take for the mean:
///
///     q_m = C(g_m - r_m),   r_m <- r_m + q_m            to the owners of the slices (squeeze.h)
///     R   <- R + (1/M) sum_m q_m                        kept by the owner: the mean of the r_m
///     Q   = C(R - w),   w <- w + Q                      to all
///
///     m <- b1 m + (1 - b1) w,   v <- b2 v + (1 - b2) w^2,   v^ <- max(v^, v)
///     x <- x - lr m / sqrt(v^ + nu)                     the same on all workers, to the bit
///
/// The method owns the whole update: of the local optimizer only --lr, --beta1 and --beta2 are
/// read. With C the identity it is AMSGrad on the mean gradient. nu is 1e-8; moments are not
/// corrected for their start, as with the authors. A worker alone compresses nothing.
///
/// Cost of a step: M payloads of d / M values, about two of d on the wire. Memory: 5 d and d / M.
/// State: the number of steps, r, R, w, m, v and v^.
///
/// Reference: "CD-Adam", arXiv:2111.00705. That the server's part is divided among the workers is
/// ours.
std::unique_ptr<Algorithm> make_cd_adam(const CdAdamOptions&, const AlgorithmContext&);

}  // namespace valley
