"""A generative adversarial network on images of 28 x 28: two networks, two optimizers, one group.

    python3 dcgan.py
    torchrun --nproc-per-node 4 dcgan.py

The lines that make it a training of many workers end in "# valley".
"""

import argparse

import common
import torch
import valley
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits


def networks():
    generator = nn.Sequential(
        nn.ConvTranspose2d(32, 32, 7), nn.BatchNorm2d(32), nn.ReLU(),
        nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.BatchNorm2d(16), nn.ReLU(),
        nn.ConvTranspose2d(16, 1, 4, 2, 1), nn.Tanh(),
    )  # fmt: skip
    judge = nn.Sequential(
        nn.Conv2d(1, 16, 4, 2, 1), nn.LeakyReLU(0.2),
        nn.Conv2d(16, 32, 4, 2, 1), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(32 * 49, 1),
    )  # fmt: skip
    return generator, judge


def main(argv=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--samples", type=int)
    parser.add_argument("--folder", default=common.FASHION)
    args = parser.parse_args(argv)
    common.start()

    loader = common.shard(common.images("train", args.folder, args.samples), batch_size=64)  # valley
    generator, judge = networks()
    of_generator = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    of_judge = torch.optim.Adam(judge.parameters(), lr=2e-4, betas=(0.5, 0.999))
    of_generator = valley.LocalSGD(of_generator, model=generator, period=4)  # valley
    of_judge = valley.LocalSGD(of_judge, model=judge, period=4)  # valley

    for epoch in range(args.epochs):
        for real, _ in loader:
            fake = generator(torch.randn(len(real), 32, 1, 1))
            yes, no = torch.ones(len(real), 1), torch.zeros(len(real), 1)
            of_judge.zero_grad()
            wrong = binary_cross_entropy_with_logits(judge(real), yes)
            wrong = wrong + binary_cross_entropy_with_logits(judge(fake.detach()), no)
            wrong.backward()
            of_judge.step()
            of_generator.zero_grad()
            caught = binary_cross_entropy_with_logits(judge(fake), yes)
            caught.backward()
            of_generator.step()
        if common.is_first():
            print(f"epoch {epoch + 1}: judge {wrong.item():.3f}, generator {caught.item():.3f}")
    return wrong.item()


if __name__ == "__main__":
    main()
