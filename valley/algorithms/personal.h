#pragma once

#include <memory>
#include <string>

#include "valley/algorithms/registry.h"
#include "valley/optim/shared_part.h"

namespace valley {

/// Any method for a part of x, while every worker keeps the rest for itself: it sees the shared
/// values s [d'] of x [d] alone, and the optimizer's step moves both together.
///
///     s <- x          before every hook of the method, g likewise
///     x, g <- s, g_s  behind it, and before the optimizer, which steps on all of x and g
///
/// So s goes the way it would go by itself with such gradients, bit for bit, and no personal value
/// ever leaves its worker. Where a method takes a step without the optimizer (palsgd's towards the
/// average), what is personal stands still.
///
/// With `sgp` it is DFedPGP: a body by push-sum over directed graphs, a head of one's own. That
/// both take every step together, and the body is mixed after each, is our reading.
///
/// Cost of a round: the method's, of d' values. Memory: 2 d' beside. State: the method's.
///
/// Reference: Liu, Shi, Li, Wu, Wang and Shen, "Decentralized Directed Collaboration for
/// Personalized Federated Learning", CVPR 2024, arXiv:2405.17876.
///
/// `context` is that of all of x; what it says of layers is brought down to those that are shared.
/// @throws UsageError as make_algorithm() does, and as check_personal() (personal_check.h).
std::unique_ptr<Algorithm> make_personal(const std::string& name, const AlgorithmOptions& options,
                                         const AlgorithmContext& context, SharedPart shared);

/// `context` of a network, as a method for its shared part is given it.
AlgorithmContext context_of_part(AlgorithmContext context, const SharedPart& shared);

}  // namespace valley
