#pragma once

#include <string>

namespace torch::jit {
struct Module;
}

namespace valley {

/// Which layers of a TorchScript module cannot be switched between training and evaluation.
///
/// A script asks `self.training` each time; a trace has the answer of the time it was made written
/// into its graph, and so has a script that calls dropout(x) without `training=self.training`.
/// Found in the graph of forward, all it calls included: an operator's argument `training`, `train`
/// or `use_input_stats` that is a constant. Layers to which the mode means nothing are left out:
/// normalisation without running statistics, dropout with p = 0, or, always on, with a p that is
/// computed: attention makes it 0 in evaluation.
///
/// @return "3 BatchNorm in evaluation mode (...); 2 dropout off (...)", "" if there are none.
std::string constant_modes(const torch::jit::Module& module);

}  // namespace valley
