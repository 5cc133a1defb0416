"""A convolutional network on images of 28 x 28.

    python3 mnist.py                                        one worker
    torchrun --nproc-per-node 4 mnist.py                    four, that meet every fourth step

The lines that make it a training of many workers end in "# valley".
"""

import argparse

import common
import torch
import valley
from torch import nn
from torch.nn.functional import cross_entropy


def network():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Dropout(0.25), nn.Linear(800, 10),
    )  # fmt: skip


def accuracy(net, loader):
    net.eval()
    with torch.no_grad():
        right = sum((net(x).argmax(1) == y).sum().item() for x, y in loader)
    net.train()
    return right / len(loader.dataset)


def main(argv=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--samples", type=int, default=None)
    parser.add_argument("--folder", default=common.FASHION)
    args = parser.parse_args(argv)
    common.start()

    train = common.shard(common.images("train", args.folder, args.samples), batch_size=64)  # valley
    test = torch.utils.data.DataLoader(common.images("t10k", args.folder, args.samples), batch_size=500)
    net = network()
    opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    opt = valley.DPPF(opt, period=4, pull=0.1, push=0.2)  # valley
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(opt, args.epochs * len(train))

    for epoch in range(args.epochs):
        for x, y in train:
            loss = cross_entropy(net(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            schedule.step()
        with opt.average(train):  # valley
            score = accuracy(net, test)
        if common.is_first():
            print(f"epoch {epoch + 1}: loss {loss.item():.3f}, accuracy {100 * score:.2f} %")
    return score


if __name__ == "__main__":
    main()
