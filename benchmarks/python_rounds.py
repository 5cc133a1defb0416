#!/usr/bin/python3
"""What the Python package costs in a loop: a step between rounds, and a round over the user's own process
group beside its floor and a peer of PyTorch's. Ratios of one run, medians of interleaved repeats; let
nothing else run.

    PYTHONPATH=build/release/python benchmarks/python_rounds.py [REPEATS]

A step: DPPF around an optimizer that does nothing, 62 parameters, median of 10,000.
A round, 2 workers, d float32 values in 62 parameters:
    floor   torch.distributed.all_reduce of d values, and one pass over them (x.lerp_(mean))
    dppf    valley.DPPF(period=1).step() around an optimizer that does nothing
    plain   the same with track_width=False
    peer    PostLocalSGDOptimizer with a PeriodicModelAverager of period 1, around the same
"""

import os
import statistics
import sys
import tempfile
import time
import traceback
import warnings

import torch
import torch.distributed
import valley
from torch.distributed.algorithms.model_averaging.averagers import PeriodicModelAverager
from torch.distributed.optim import PostLocalSGDOptimizer

PARAMETERS = 62
warnings.filterwarnings("ignore", "When period is 1")


class Nothing(torch.optim.Optimizer):
    def __init__(self, parameters):
        super().__init__(parameters, {})

    def step(self, closure=None):
        pass


def parameters(d):
    torch.manual_seed(0)
    sizes = [d // PARAMETERS] * (PARAMETERS - 1)
    return [torch.nn.Parameter(torch.randn(n)) for n in (*sizes, d - sum(sizes))]


def median_step():
    opt = valley.DPPF(Nothing(parameters(6200)), period=10**9)
    times = []
    for _ in range(10_000):
        start = time.perf_counter()
        opt.step()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def rounds(rank, folder, repeats, d, turns):
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/{d}", rank=rank, world_size=2
    )
    x, mean = torch.randn(d), torch.empty(d)
    dppf = valley.DPPF(Nothing(parameters(d)), period=1, push=0.1)
    plain = valley.DPPF(Nothing(parameters(d)), period=1, push=0.1, track_width=False)
    of_peer = parameters(d)
    for p in of_peer:
        p.grad = torch.zeros_like(p)  # it leaves out what has none
    peer = PostLocalSGDOptimizer(Nothing(of_peer), PeriodicModelAverager(period=1, warmup_steps=0))

    def floor():
        mean.copy_(x)
        torch.distributed.all_reduce(mean)
        x.lerp_(mean, 0.1)

    times = {"floor": [], "dppf": [], "plain": [], "peer": []}
    for _ in range(repeats):
        for name, fn in (("floor", floor), ("dppf", dppf.step), ("plain", plain.step), ("peer", peer.step)):
            torch.distributed.barrier()
            fn()
            start = time.perf_counter()
            for _ in range(turns):
                fn()
            times[name].append((time.perf_counter() - start) / turns)
    if rank == 0:
        found = {name: statistics.median(t) for name, t in times.items()}
        def ratio(a, b):
            return statistics.median(x / y for x, y in zip(times[a], times[b]))

        print(f"one round, 2 workers, {d:,} float32 values; milliseconds: "
              + ", ".join(f"{n} {1000 * t:.2f}" for n, t in found.items()))  # fmt: skip
        print(f"  dppf / floor   {ratio('dppf', 'floor'):.3f}")
        print(f"  plain / floor  {ratio('plain', 'floor'):.3f}   at most 1.05")
        print(f"  dppf / peer    {ratio('dppf', 'peer'):.3f}   at most 0.75", flush=True)


def main(repeats="9"):
    print(f"a step between rounds, {PARAMETERS} parameters: {1e6 * median_step():.1f} us   at most 20", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for d, turns in ((1_900_000, 10), (11_000_000, 3)):
            children = []
            for rank in range(2):
                pid = os.fork()
                if pid == 0:
                    try:
                        rounds(rank, folder, int(repeats), d, turns)
                    except BaseException:
                        traceback.print_exc()
                        os._exit(1)
                    os._exit(0)
                children.append(pid)
            for pid in children:
                if os.waitpid(pid, 0)[1] != 0:
                    sys.exit("a worker has failed")


if __name__ == "__main__":
    main(*sys.argv[1:])
