#pragma once

#include <string>

#include "valley/topology/topology.h"

namespace valley {

/// A picture of who talks to whom: SVG, for any browser or document, in light and in dark.
///
/// Workers stand on a circle; those of a grid or torus on their lattice, of a hypercube as its
/// shadow, of a star around worker 0. A line is an exchange, an arrow a message; colours tell hops
/// and dimensions apart (also for the colour-blind), thickness the weights where
/// they differ. A topology that changes is shown step by step, up to six of them. The description
/// lists the edges for those who cannot see them.
///
/// `name` as --topology takes it decides where the workers stand; `caption` stands below it.
std::string topology_svg(const Topology& topology, const std::string& name,
                         const std::string& caption);

}  // namespace valley
