"""How sharp a minimum is, the loss around it, and how the workers stand: of any network and any loss."""

import contextlib
import dataclasses
import json
import math

import numpy
import torch

from valley import _core


@dataclasses.dataclass(frozen=True)
class Measurement:
    """What one measure says.

    Attributes:
        value: None where it could not be found; then `note` says why.
        standard_error: of a stochastic measure.
        note: what a reader must know, or "".
        details: what else was found, and how, as `valley sharpness` writes it to sharpness.json.
    """

    value: float | None
    standard_error: float | None
    note: str
    details: dict


@dataclasses.dataclass(frozen=True)
class Sharpness:
    """What valley.sharpness() returns.

    Attributes:
        loss: at the point that was measured.
        measures: {name: Measurement}; `valley list measures` has the names, docs/measures.md what they
            are.
    """

    loss: float
    measures: dict

    def __getitem__(self, name):
        return self.measures[name].value

    def plot(self, axes=None):
        """A bar for every measure that has a value, on a logarithmic axis; needs matplotlib."""
        axes = axes or _axes()
        found = {n: m for n, m in self.measures.items() if m.value is not None and m.value > 0}
        axes.barh(list(found), [m.value for m in found.values()],
                  xerr=[m.standard_error or 0 for m in found.values()])  # fmt: skip
        axes.set_xscale("log")
        axes.invert_yaxis()
        return axes


@dataclasses.dataclass(frozen=True)
class Landscape:
    """What valley.landscape() returns.

    Attributes:
        x, y: the coordinates along the two axes, [n]; of the planes through workers in units of
            parameter space.
        loss: [n, n], loss[i, j] at (x[j], y[i]).
        stands: {"average" or "worker m": (x, y, distance from the plane)}.
        axes: what the axes are.
    """

    x: numpy.ndarray
    y: numpy.ndarray
    loss: numpy.ndarray
    stands: dict
    axes: tuple

    def plot(self, axes=None):
        """Contours of the loss, the average and the workers; needs matplotlib."""
        axes = axes or _axes()
        lines = axes.contour(self.x, self.y, self.loss, levels=12)
        axes.clabel(lines)
        for name, (x, y, _) in self.stands.items():
            axes.plot(x, y, "o")
            axes.annotate(name, (x, y))
        axes.set_xlabel(self.axes[0])
        axes.set_ylabel(self.axes[1])
        axes.set_aspect("equal")
        return axes


@dataclasses.dataclass(frozen=True)
class Alignment:
    """What valley.alignment() returns: d_m = x_m - x_A, the workers' gaps.

    Attributes:
        distances: ||d_m||, [M].
        angles: between d_j and d_k in degrees, [M, M]; no number where a worker sits on the average.
        variance: mean_m ||d_m||^2.
        gradient_cosines: cos(d_m, gradient of the loss at x_A), [M]; None without a loss.
        curvatures: d_m^T H d_m / ||d_m||^2, H the Hessian of the loss at x_A, [M]; None without a loss.
        random_curvatures: the same along as many random directions, to compare with.
    """

    distances: numpy.ndarray
    angles: numpy.ndarray
    variance: float
    gradient_cosines: numpy.ndarray | None
    curvatures: numpy.ndarray | None
    random_curvatures: numpy.ndarray | None


class _Objective:
    """The mean loss over batches as a function of one flat vector x [d], and its derivatives.

    The network is in evaluation mode; its parameters, buffers and modes are as before when close() was
    called. Batches count by their sizes.
    """

    def __init__(self, net, loss_of_batch, batches):
        self.net = net
        self.loss_of_batch = loss_of_batch
        self.batches = list(batches)
        if not self.batches:
            raise ValueError("there are no batches to take the loss over")
        self.sizes = [_size_of(batch) for batch in self.batches]
        self.examples = sum(self.sizes)
        self.parameters = [p for p in net.parameters() if p.requires_grad]
        if not self.parameters:
            raise ValueError("the network has no trainable parameters")
        self.names = [n for n, p in net.named_parameters() if p.requires_grad]
        kinds = {p.dtype for p in self.parameters}
        if len(kinds) > 1 or not kinds <= {torch.float32, torch.float64}:
            raise ValueError(f"parameters must be float32, or float64 all of them; there are {sorted(map(str, kinds))}")

    @contextlib.contextmanager
    def borrowed(self):
        """The network may be changed inside."""
        parameters = [p.detach().clone() for p in self.parameters]
        buffers = [(b, b.clone()) for b in self.net.buffers()]
        modes = [(m, m.training) for m in self.net.modules()]
        self.net.eval()
        try:
            yield
        finally:
            with torch.no_grad():
                for p, value in zip(self.parameters, parameters):
                    p.copy_(value)
                for buffer, value in buffers:
                    buffer.copy_(value)
            for module, training in modes:
                module.training = training

    def vector(self, state=None):
        """A state_dict, a flat vector, or with nothing the network's own, as x."""
        if isinstance(state, torch.Tensor):
            if state.shape != (sum(p.numel() for p in self.parameters),):
                raise ValueError(
                    f"a vector of weights has shape {list(state.shape)}, the network's parameters "
                    f"[{sum(p.numel() for p in self.parameters)}]"
                )
            return state.detach().to(self.parameters[0]).clone()
        if state is None:
            parts = self.parameters
        else:
            missing = [n for n in self.names if n not in state]
            if missing:
                raise ValueError(f"the state_dict of a worker has no {missing[0]}")
            parts = [state[n] for n in self.names]
        return torch.cat([p.detach().to(self.parameters[0]).flatten() for p in parts])

    def parts(self, x):
        """x as parameters."""
        split = x.split([p.numel() for p in self.parameters])
        return [part.view_as(p) for part, p in zip(split, self.parameters)]

    def move(self, x):
        with torch.no_grad():
            for p, part in zip(self.parameters, self.parts(x)):
                p.copy_(part)

    def loss(self, x):
        self.move(x)
        with torch.no_grad():
            return sum(
                float(self.loss_of_batch(self.net, b)) * n for b, n in zip(self.batches, self.sizes)
            ) / self.examples  # fmt: skip

    def gradient(self, x):
        self.move(x)
        total, sums = 0.0, torch.zeros_like(x, dtype=torch.float64)
        with torch.enable_grad():
            for batch, n in zip(self.batches, self.sizes):
                loss = self.loss_of_batch(self.net, batch) * (n / self.examples)
                total += float(loss)
                sums += self.flat(torch.autograd.grad(loss, self.parameters, allow_unused=True))
        return total, sums.to(x.dtype)

    def products(self, vectors, x):
        """H(x) v for every v."""
        self.move(x)
        sums = [torch.zeros_like(x, dtype=torch.float64) for _ in vectors]
        with torch.enable_grad():
            for batch, n in zip(self.batches, self.sizes):
                loss = self.loss_of_batch(self.net, batch) * (n / self.examples)
                grads = torch.autograd.grad(loss, self.parameters, create_graph=True, allow_unused=True)
                known = [(i, g) for i, g in enumerate(grads) if g is not None and g.requires_grad]
                if not known:
                    continue
                for total, v in zip(sums, vectors):
                    parts = self.parts(v)
                    along = [parts[i] for i, _ in known]
                    total += self.flat(
                        torch.autograd.grad([g for _, g in known], self.parameters, along,
                                            retain_graph=True, allow_unused=True)
                    )  # fmt: skip
        return [s.to(x.dtype) for s in sums]

    def flat(self, grads):
        return torch.cat([
            (torch.zeros_like(p) if g is None else g).detach().flatten().double()
            for g, p in zip(grads, self.parameters)
        ])  # fmt: skip

    def layers(self):
        return [(n, list(p.shape)) for n, p in zip(self.names, self.parameters)]


def _size_of(batch):
    first = batch
    while isinstance(first, (tuple, list, dict)):
        first = next(iter(first.values())) if isinstance(first, dict) else first[0]
    return len(first) if isinstance(first, torch.Tensor) and first.dim() else 1


def _axes():
    try:
        import matplotlib.pyplot
    except ImportError:
        raise ImportError("plot() needs matplotlib: install the package python3-matplotlib or matplotlib") from None
    return matplotlib.pyplot.subplots()[1]


def _stand(objective, workers):
    """(x_A, [x_m]): the workers' mean; without workers the network's own weights."""
    vectors = [objective.vector(w) for w in workers]
    if not vectors:
        return objective.vector(), []
    return torch.stack(vectors).double().mean(0).to(vectors[0].dtype), vectors


def sharpness(net, loss_of_batch, batches, *, workers=(), initial=None, measures=(), **options):
    """How wide and flat a minimum is, by the measures of `valley sharpness`.

        found = valley.sharpness(net, lambda net, b: F.cross_entropy(net(b[0]), b[1]), batches,
                                 workers=[torch.load(f"worker-{m}.pt")["net"] for m in range(4)])
        found["lambda-max"], found["mean-valley"]

    Args:
        net: the network; with no workers, the minimum is where it stands. It is in evaluation mode
            meanwhile, and as it was afterwards.
        loss_of_batch: loss_of_batch(net, batch), the mean loss of a batch, a scalar that can be
            differentiated.
        batches: that the loss is taken over, each counted by its size. Kept in memory.
        workers: state_dicts or flat vectors; their mean is the minimum. BatchNorm's statistics are
            those of `net`.
        initial: where training began; for measures of the distance.
        measures: names; by default all that have a meaning.
        **options: those of `valley sharpness`: seed, draws, kappa, search, step, normalise, rho, lanczos,
            memory (GB).

    Returns:
        Sharpness.

    Raises:
        ValueError: an unknown measure or option, or one that has no meaning here.

    Cost: as `valley list measures` says, in passes over the batches.
    """
    known = {"seed", "draws", "kappa", "search", "step", "normalise", "rho", "lanczos", "memory"}
    for option in options:
        if option not in known:
            raise TypeError(f"sharpness() has no option {option!r}; it has: {', '.join(sorted(known))}")
    objective = _Objective(net, loss_of_batch, batches)
    with objective.borrowed():
        average, vectors = _stand(objective, workers)
        start = None if initial is None else objective.vector(initial)
        text = _core.measure(
            objective.loss, objective.gradient, lambda vs: objective.products(vs, average), average,
            vectors, start, objective.layers(), objective.examples,
            {"measures": list(measures), **options},
        )  # fmt: skip
        loss = objective.loss(average)
    found = {}
    for name, entry in json.loads(text).items():
        details = {k: v for k, v in entry.items() if k not in ("value", "standard_error", "note")}
        found[name] = Measurement(
            entry.get("value"), entry.get("standard_error"), entry.get("note") or "", details
        )
    return Sharpness(loss, found)


def landscape(net, loss_of_batch, batches, *, workers=(), plane=None, points=21, extent=None, seed=0):
    """The loss over a square of a plane through the workers and their average.

    Args:
        net, loss_of_batch, batches, workers: as of sharpness().
        plane: "average" (through it and two workers), "workers" (through three), "spread" (the two
            directions in which the workers differ most) or "random" (every filter of its own length);
            by default "spread" where there are workers, else "random".
        points: along each axis.
        extent: from -extent to extent; by default twice as far as the farthest worker in the plane, 1
            on a random plane.
        seed: of random directions.

    Returns:
        Landscape.

    Cost: points^2 passes over the batches.
    """
    if points < 2:
        raise ValueError(f"points must be at least 2, got {points}")
    if extent is not None and not extent > 0:
        raise ValueError(f"extent must be above 0, got {extent}")
    objective = _Objective(net, loss_of_batch, batches)
    with objective.borrowed():
        average, vectors = _stand(objective, workers)
        plane = plane or ("spread" if len(vectors) > 1 else "random")
        chosen = _core.plane(plane, average, vectors, objective.layers(), seed)
        stands = {"average": tuple(chosen.coordinates(average))}
        stands |= {f"worker {m}": tuple(chosen.coordinates(v)) for m, v in enumerate(vectors)}
        if extent is None:
            far = max(math.hypot(x, y) for x, y, _ in stands.values())
            extent = 1.0 if plane == "random" else 2 * far
        axis = numpy.linspace(-extent, extent, points)
        loss = numpy.array([[objective.loss(chosen.at(x, y)) for x in axis] for y in axis])
    return Landscape(axis, axis.copy(), loss, stands, tuple(chosen.axes))


def alignment(workers, net=None, loss_of_batch=None, batches=(), *, seed=0):
    """How the workers stand to each other, and, with a loss, to its gradient and its curvature.

    Args:
        workers: state_dicts of `net`, or flat vectors.
        net, loss_of_batch, batches: as of sharpness(); without them the workers alone are looked at.
        seed: of the random directions.

    Returns:
        Alignment.

    Cost: M products of the workers; with a loss a gradient and 2 M products with the Hessian.
    """
    workers = list(workers)
    if len(workers) < 2:
        raise ValueError(f"alignment needs two workers, there are {len(workers)}")
    objective = None if net is None else _Objective(net, loss_of_batch, batches)
    if objective is None:
        if not all(isinstance(w, torch.Tensor) for w in workers):
            raise ValueError("workers must be flat vectors where there is no net")
        vectors = workers
        average = torch.stack(vectors).double().mean(0).to(vectors[0].dtype)
    else:
        average, vectors = _stand(objective, workers)
    distances, angles, variance = _core.spread(average, vectors)
    cosines = curvatures = random_curvatures = None
    if objective is not None:
        gaps = [(v - average) / max(float((v - average).norm()), 1e-300) for v in vectors]
        generator = torch.Generator().manual_seed(seed)
        noise = [torch.randn(average.shape, generator=generator, dtype=average.dtype) for _ in vectors]
        noise = [n / n.norm() for n in noise]
        with objective.borrowed():
            _, gradient = objective.gradient(average)
            products = objective.products([*gaps, *noise], average)
        length = max(float(gradient.norm()), 1e-300)
        cosines = numpy.array([float(g @ gradient) / length for g in gaps])
        along = [float(d @ p) for d, p in zip([*gaps, *noise], products)]
        curvatures, random_curvatures = numpy.array(along[: len(gaps)]), numpy.array(along[len(gaps) :])
    return Alignment(numpy.array(distances), numpy.array(angles), variance, cosines, curvatures, random_curvatures)
