"""One worker of PyTorch's own data-parallel training of the `mlp` of two hidden layers that links.py
trains by valley, on Fashion-MNIST, one thread; RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT in the
environment. Rank 0 prints one JSON line: seconds of training (evaluations apart) and test accuracy,
every so many steps.

    ddp_train.py METHOD WIDTH1 WIDTH2 BATCH LR STEPS EVALUATE_EVERY PERIOD SEED IMAGES

METHOD: ddp (DistributedDataParallel), ddp-fp16 (with its fp16 hook), post-local (that and
PostLocalSGDOptimizer, from the first step on), all-reduce (no training: milliseconds of the bare
all-reduce of WIDTH1 float32 values, STEPS times).
"""

import gzip
import json
import statistics
import sys
import time

import numpy
import torch
import torch.distributed as dist
import torch.distributed.algorithms.model_averaging.averagers as averagers
from torch.distributed.algorithms.ddp_comm_hooks import default_hooks
from torch.distributed.algorithms.ddp_comm_hooks import post_localSGD_hook as post_local
from torch.distributed.optim import PostLocalSGDOptimizer
import torch.nn.functional as F

method = sys.argv[1]
width1, width2, batch = map(int, sys.argv[2:5])
lr = float(sys.argv[5])
steps, evaluate_every, period, seed, count = map(int, sys.argv[6:11])
torch.set_num_threads(1)
dist.init_process_group("gloo")
rank, workers = dist.get_rank(), dist.get_world_size()


def end(result):
    if rank == 0:
        print(json.dumps(result))
    dist.barrier()
    dist.destroy_process_group()
    sys.exit(0)


if method == "all-reduce":
    x = torch.ones(width1)
    times = []
    for turn in range(steps + 2):
        dist.barrier()
        start = time.perf_counter()
        dist.all_reduce(x)
        if turn >= 2:
            times.append(time.perf_counter() - start)
        x.fill_(1)
    end({"seconds": statistics.median(times)})

folder = "/usr/share/datasets/fashion-mnist/"


def read(name, offset):
    return torch.from_numpy(numpy.frombuffer(gzip.open(folder + name).read(), numpy.uint8, offset=offset).copy())


def images(name):
    return read(name, 16).view(-1, 784).float().div_(255).sub_(0.2860).div_(0.3530)


x, y = images("train-images-idx3-ubyte.gz"), read("train-labels-idx1-ubyte.gz", 8).long()
test_x, test_y = images("t10k-images-idx3-ubyte.gz"), read("t10k-labels-idx1-ubyte.gz", 8).long()
torch.manual_seed(seed)
chosen = torch.randperm(len(y))[:count]
x, y = x[chosen], y[chosen]
net = torch.nn.Sequential(
    torch.nn.Linear(784, width1), torch.nn.ReLU(), torch.nn.Linear(width1, width2), torch.nn.ReLU(),
    torch.nn.Linear(width2, 10))  # fmt: skip
model = torch.nn.parallel.DistributedDataParallel(net)
optimizer = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)
if method == "ddp-fp16":
    model.register_comm_hook(None, default_hooks.fp16_compress_hook)
elif method == "post-local":
    alone = [dist.new_group([r]) for r in range(workers)]
    state = post_local.PostLocalSGDState(process_group=None, subgroup=alone[rank], start_localSGD_iter=0)
    model.register_comm_hook(state, post_local.post_localSGD_hook)
    optimizer = PostLocalSGDOptimizer(optimizer, averagers.PeriodicModelAverager(period=period))


def test_accuracy():
    """Of the average of the workers, which they hold already where they have just met."""
    saved = [p.detach().clone() for p in net.parameters()]
    with torch.no_grad():
        for p in net.parameters():
            dist.all_reduce(p)
            p.div_(workers)
        right = sum((net(a).argmax(1) == b).sum().item() for a, b in zip(test_x.split(1000), test_y.split(1000)))
        for p, s in zip(net.parameters(), saved):
            p.copy_(s)
    return right / len(test_y)


draw = torch.Generator().manual_seed(1000 * seed + rank)
curve, seconds = [], 0.0
dist.barrier()
start = time.perf_counter()
for step in range(1, steps + 1):
    index = torch.randint(len(y), (batch,), generator=draw)
    loss = F.cross_entropy(model(x[index]), y[index])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % evaluate_every == 0:
        seconds += time.perf_counter() - start
        curve.append([step, seconds, test_accuracy()])
        dist.barrier()
        start = time.perf_counter()
end({"curve": curve, "parameters": sum(p.numel() for p in net.parameters())})
