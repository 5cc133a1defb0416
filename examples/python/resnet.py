"""A ResNet of torchvision's on 32 x 32 colour images: CIFAR-10's binary files, or noise without any.

    python3 resnet.py --folder cifar-10-batches-bin
    torchrun --nproc-per-node 4 resnet.py --folder cifar-10-batches-bin

The lines that make it a training of many workers end in "# valley".
"""

import argparse
import pathlib

import common
import numpy
import torch
import torchvision
import valley
from torch.nn.functional import cross_entropy


def cifar(folder, limit):
    """Images [N, 3, 32, 32] and labels [N]."""
    if folder is None:
        generator = torch.Generator().manual_seed(0)
        x = torch.randn(limit or 512, 3, 32, 32, generator=generator)
        return torch.utils.data.TensorDataset(x, torch.arange(len(x)) % 10)
    files = sorted(pathlib.Path(folder).glob("data_batch_*.bin"))
    rows = numpy.concatenate([numpy.fromfile(f, numpy.uint8) for f in files]).reshape(-1, 3073)[:limit]
    x = torch.from_numpy(rows[:, 1:].reshape(-1, 3, 32, 32).copy()).float() / 127.5 - 1
    return torch.utils.data.TensorDataset(x, torch.from_numpy(rows[:, 0].copy()).long())


def main(argv=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder")
    parser.add_argument("--samples", type=int)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=64)
    args = parser.parse_args(argv)
    common.start()

    data = cifar(args.folder, args.samples)
    loader = common.shard(data, batch_size=args.batch_size)  # valley
    net = torchvision.models.resnet18(num_classes=10)
    opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    opt = valley.LocalSGD(opt, period=4)  # valley

    for epoch in range(args.epochs):
        for x, y in loader:
            opt.zero_grad()
            loss = cross_entropy(net(x), y)
            loss.backward()
            opt.step()
        with opt.average(loader):  # valley
            net.eval()
            with torch.no_grad():
                score = cross_entropy(net(data[:64][0]), data[:64][1]).item()
            net.train()
        if common.is_first():
            print(f"epoch {epoch + 1}: loss of the average {score:.3f}")
    return score


if __name__ == "__main__":
    main()
