"""Milliseconds of one round of PyTorch's PeriodicModelAverager: RANK, WORLD_SIZE, MASTER_ADDR and
MASTER_PORT in the environment; arguments: number of values, rounds. Rank 0 prints one JSON line.

The values are split over 62 tensors, as many as a residual network of 20 layers has.
"""

import json
import sys
import time

import torch
import torch.distributed as dist
from torch.distributed.algorithms.model_averaging.averagers import PeriodicModelAverager

d, rounds = int(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(1)
dist.init_process_group("gloo")
sizes = [d // 62] * 61
sizes.append(d - sum(sizes))
parameters = [torch.nn.Parameter(torch.randn(n)) for n in sizes]
for p in parameters:
    p.grad = torch.zeros_like(p)
averager = PeriodicModelAverager(period=1)
for _ in range(rounds):
    averager.average_parameters(parameters)
dist.barrier()
start = time.perf_counter()
for _ in range(5 * rounds):
    averager.average_parameters(parameters)
milliseconds = (time.perf_counter() - start) / (5 * rounds) * 1e3
if dist.get_rank() == 0:
    print(json.dumps({"round": milliseconds}))

# Left to the interpreter, the threads of the group may still run when it is taken down.
dist.destroy_process_group()
