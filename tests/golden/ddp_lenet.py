#!/usr/bin/python3
"""Golden numbers of synchronous SGD: LeNet trained by PyTorch's DistributedDataParallel.

    /usr/bin/python3 tests/golden/ddp_lenet.py            # writes ddp_lenet_2.json, ddp_lenet_3.json
    /usr/bin/python3 tests/golden/ddp_lenet.py --check    # compares with them instead

Made with Debian 12's python3-torch 1.13.1 (gloo on loopback, one thread a rank). Everything is
float64: there, another order of summation changes a loss by 1e-15 and the runs stay together for
all 100 steps. In float32 it changes a loss by 1e-7 at first but by 1e-2 from step 30 on (3 ranks),
so that a comparison of implementations would compare rounding. Every number that enters is exact
and derived from integers; ddp_lenet.h repeats it in C++.

The recipe, for W ranks (2 and 3):

  model       LeNet of python_models.py for 1x28x28, 10 classes: d = 65,162 parameters
  weights     element j of the flat vector (state_dict order, j = 0 .. d-1) is
                  (2 u(j) - 1) / sqrt(fan_in);  fan_in is the layer's (conv1 25, conv2 400,
              fc1 800, fc2 64), for its bias too; u(j) = (h(j) >> 8) / 2^24 with, in unsigned
              32-bit arithmetic,
                  h = 2654435761 j + 12345
                  h ^= h >> 16;  h *= 0x85ebca6b;  h ^= h >> 13;  h *= 0xc2b2ae35;  h ^= h >> 16
  data        the first 600 training images of Fashion-MNIST in stored order,
              pixel = (byte - 128) / 128
  batch       at step t (from 0), rank r takes rows ((t W + r) 16 + i) mod 600, i = 0 .. 15
  loss        mean cross-entropy of the rank's batch; recorded before the step's update
  gradient    the mean over the ranks
  optimizer   torch.optim.SGD(lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-3)
  steps       100

The json holds {"workers", "losses": [step][rank], "norms": {name: 2-norm of the final tensor},
"norm": 2-norm of all final parameters}. Before anything is written, one process repeats the recipe
without DistributedDataParallel (each rank's gradient in turn, averaged by hand) and must agree.
"""

import gzip
import json
import math
import os
import sys
import tempfile

import numpy
import torch
import torch.distributed
import torch.multiprocessing
from torch.nn import functional as F

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import python_models  # noqa: E402

DATA = "/usr/share/datasets/fashion-mnist"
ROWS, BATCH, STEPS = 600, 16, 100
TOLERANCE = 1e-9  # of a loss, and relative of the norm


def initial_weights(net):
    flat = 0
    for module in net.children():
        fan_in = module.weight[0].numel()
        for parameter in (module.weight, module.bias):
            h = numpy.arange(flat, flat + parameter.numel(), dtype=numpy.uint32)
            h = h * numpy.uint32(2654435761) + numpy.uint32(12345)
            h ^= h >> numpy.uint32(16)
            h *= numpy.uint32(0x85EBCA6B)
            h ^= h >> numpy.uint32(13)
            h *= numpy.uint32(0xC2B2AE35)
            h ^= h >> numpy.uint32(16)
            u = (h >> numpy.uint32(8)).astype(numpy.float64) / 2**24
            values = torch.from_numpy((2 * u - 1) / math.sqrt(fan_in))
            parameter.data.copy_(values.reshape(parameter.shape))
            flat += parameter.numel()


def load_data():
    with gzip.open(f"{DATA}/train-images-idx3-ubyte.gz") as file:
        images = numpy.frombuffer(file.read(16 + ROWS * 784), numpy.uint8, offset=16)
    with gzip.open(f"{DATA}/train-labels-idx1-ubyte.gz") as file:
        labels = numpy.frombuffer(file.read(8 + ROWS), numpy.uint8, offset=8)
    inputs = (torch.from_numpy(images.astype(numpy.float64)) - 128) / 128
    return inputs.reshape(ROWS, 1, 28, 28), torch.from_numpy(labels.astype(numpy.int64))


def batch(data, step, rank, workers):
    rows = ((step * workers + rank) * BATCH + torch.arange(BATCH)) % ROWS
    return data[0][rows], data[1][rows]


def make():
    torch.set_num_threads(1)
    net = python_models.make("lenet").double()
    initial_weights(net)
    optimizer = torch.optim.SGD(
        net.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-3
    )
    return net, optimizer


def norms(net):
    each = {name: p.norm().item() for name, p in net.named_parameters()}
    return {"norms": each, "norm": math.sqrt(sum(norm**2 for norm in each.values()))}


def ddp_rank(rank, workers, folder):
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/store", rank=rank, world_size=workers
    )
    net, optimizer = make()
    data = load_data()
    ddp = torch.nn.parallel.DistributedDataParallel(net)
    losses = []
    for step in range(STEPS):
        inputs, targets = batch(data, step, rank, workers)
        optimizer.zero_grad()
        loss = F.cross_entropy(ddp(inputs), targets)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with open(f"{folder}/{rank}.json", "w") as file:
        json.dump({"losses": losses, **norms(net)}, file)
    torch.distributed.destroy_process_group()


def train_ddp(workers):
    with tempfile.TemporaryDirectory() as folder:
        torch.multiprocessing.spawn(ddp_rank, (workers, folder), nprocs=workers)
        ranks = [json.load(open(f"{folder}/{rank}.json")) for rank in range(workers)]
    assert all(rank["norms"] == ranks[0]["norms"] for rank in ranks), "the ranks disagree"
    losses = [list(row) for row in zip(*(rank.pop("losses") for rank in ranks))]
    return {"workers": workers, "losses": losses, **ranks[0]}


def train_alone(workers):
    net, optimizer = make()
    data = load_data()
    losses = []
    for step in range(STEPS):
        row, mean = [], [torch.zeros_like(p) for p in net.parameters()]
        for rank in range(workers):
            inputs, targets = batch(data, step, rank, workers)
            loss = F.cross_entropy(net(inputs), targets)
            for total, gradient in zip(mean, torch.autograd.grad(loss, list(net.parameters()))):
                total.add_(gradient, alpha=1 / workers)
            row.append(loss.item())
        for parameter, gradient in zip(net.parameters(), mean):
            parameter.grad = gradient
        optimizer.step()
        losses.append(row)
    return {"workers": workers, "losses": losses, **norms(net)}


def difference(a, b):
    """The largest difference of two losses, and the relative one of the norms."""
    loss = max(abs(x - y) for p, q in zip(a["losses"], b["losses"]) for x, y in zip(p, q))
    return max(loss, abs(a["norm"] / b["norm"] - 1))


def main():
    for workers in (2, 3):
        result = train_ddp(workers)
        alone = difference(result, train_alone(workers))
        print(f"{workers} ranks: loss {sum(result['losses'][0]) / workers:.6f} to "
              f"{sum(result['losses'][-1]) / workers:.6f}, norm {result['norm']:.6f}; "
              f"by hand in one process: differs by {alone:.1e}")
        assert alone < TOLERANCE
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), f"ddp_lenet_{workers}.json")
        if "--check" in sys.argv:
            stored = difference(result, json.load(open(path)))
            print(f"  {path}: differs by {stored:.1e}")
            assert stored < TOLERANCE
        else:
            with open(path, "w") as file:
                json.dump(result, file, indent=1)
                file.write("\n")


if __name__ == "__main__":
    main()
