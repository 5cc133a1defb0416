"""What the examples share: the start of the process group, and data to run them on."""

import gzip
import os
import pathlib

import numpy
import torch
import torch.distributed

FASHION = pathlib.Path("/usr/share/datasets/fashion-mnist")  # of the package dataset-fashion-mnist


def start():
    """The process group of torchrun, if it started this process; the seed of the weights."""
    torch.manual_seed(1)
    if "RANK" in os.environ:
        torch.distributed.init_process_group("gloo")


def shard(dataset, **options):
    """A loader over this worker's share of a data set, dealt anew in every epoch; all of it alone."""
    sampler = None
    if torch.distributed.is_initialized():
        sampler = torch.utils.data.DistributedSampler(dataset, drop_last=True)
    return torch.utils.data.DataLoader(dataset, sampler=sampler, shuffle=sampler is None, **options)


def is_first():
    return not torch.distributed.is_initialized() or torch.distributed.get_rank() == 0


def idx(path):
    """An array in MNIST's format, gzipped or not."""
    data = pathlib.Path(path).read_bytes()
    data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    dims = data[3]
    shape = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(dims)]
    return torch.from_numpy(numpy.frombuffer(data, numpy.uint8, offset=4 + 4 * dims).reshape(shape).copy())


def images(part, folder=FASHION, limit=None):
    """Fashion-MNIST or MNIST: images [N, 1, 28, 28] in [-1, 1] and labels [N]."""
    def find(kind):
        return next(pathlib.Path(folder).glob(f"{part}-{kind}*"))

    x, y = idx(find("images"))[:limit], idx(find("labels"))[:limit]
    return torch.utils.data.TensorDataset(x.unsqueeze(1).float() / 127.5 - 1, y.long())
