"""Data-parallel training that meets rarely and finds wide, flat valleys.

One line makes a loop that exists a worker of many:

    opt = valley.DPPF(torch.optim.SGD(net.parameters(), lr=.1), period=4, pull=.1, push=.5)

Every method of `valley list algorithms` is a class here (valley.METHODS); see valley.Method for what
they have in common. The workers are those of torch.distributed's default process group, of one that
is given, or the threads of valley.run_threads().
"""

# Also the libraries of torch before ours, which link to them.
from valley import pytorch  # isort: skip

pytorch.check()

from valley._core import CommError, __version__
from valley.folder import run_folder
from valley.instruments import (
    Alignment,
    Landscape,
    Measurement,
    Sharpness,
    alignment,
    landscape,
    sharpness,
)
from valley.method import Method
from valley.methods import CLASSES, METHODS
from valley.program import train
from valley.sampler import Sampler
from valley.threads import run_threads
from valley.topology import Topology, topology

globals().update(CLASSES)

__all__ = [
    "METHODS",
    "Alignment",
    "CommError",
    "Landscape",
    "Measurement",
    "Method",
    "Sampler",
    "Sharpness",
    "Topology",
    "__version__",
    "alignment",
    "landscape",
    "run_folder",
    "run_threads",
    "sharpness",
    "topology",
    "train",
    *METHODS,
]
