"""Who talks to whom in decentralised methods."""

import dataclasses

import numpy

from valley import _core


@dataclasses.dataclass(frozen=True)
class Topology:
    """A sequence P(0), P(1), ... of mixing matrices; in step t worker j takes sum_k P(t)[j, k] x_k.

    Attributes:
        name: as `valley list topologies` has it, with an argument behind a colon: "random:0.3".
        workers: n.
        directed: some P(t) is not symmetric.
        cycle: T with P(t + T) = P(t); 1 for always the same, 0 for random ones.
        doubly_stochastic: rows and columns sum to 1, so that mixing keeps the mean.
        rate: the factor by which the distance to the mean shrinks in a step; None where there is none.
        facts: everything that `valley topology` says, see its members.
    """

    name: str
    workers: int
    directed: bool
    cycle: int
    doubly_stochastic: bool
    facts: _core.TopologyFacts
    _topology: _core.Topology = dataclasses.field(repr=False, compare=False)

    def matrix(self, step=0):
        """P(step), [n, n] of float64."""
        return numpy.array(self._topology.rows(step))

    @property
    def rate(self):
        return self.facts.rate

    @property
    def spectral_gap(self):
        """1 - rate; None where there is no rate."""
        return None if self.rate is None else 1 - self.rate


def topology(name, workers, *, seed=0):
    """The topology `name` of so many workers, with its facts: valley.topology("ring", 16).

    Raises:
        ValueError: an unknown name, or a number of workers that it cannot have.
    """
    made = _core.make_topology(name, workers, seed)
    return Topology(
        name=name,
        workers=made.workers,
        directed=made.directed,
        cycle=made.cycle,
        doubly_stochastic=made.doubly_stochastic,
        facts=made.facts(),
        _topology=made,
    )
