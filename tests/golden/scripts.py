#!/usr/bin/python3
"""TorchScript files as Python writes them, for tests that need a network and not Python: importing
torch takes two seconds. What Python exports today is tried by scripted_test and the end-to-end tests.

    /usr/bin/python3 tests/golden/scripts.py        # writes tests/golden/scripts/*.pt

Made with Debian 12's python3-torch 1.13.1.
"""

import pathlib

import torch
from torch import nn

FOLDER = pathlib.Path(__file__).resolve().parent / "scripts"


def save(script, name):
    script.save(str(FOLDER / f"{name}.pt"))


class Norms(nn.Module):
    """BatchNorm before and after a convolution, a buffer of its own and a frozen parameter."""

    def __init__(self, momentum):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(3, momentum=momentum)
        self.conv = nn.Conv2d(3, 5, 3, bias=False)
        self.bn2 = nn.BatchNorm2d(5, momentum=momentum)
        self.register_buffer("factor", torch.full((1,), 1.5))
        self.scale = nn.Parameter(torch.full((1,), 2.0), requires_grad=False)

    def forward(self, x):
        return self.bn2(self.conv(self.bn1(x) * self.factor * self.scale)).flatten(1)


def main():
    torch.manual_seed(0)
    FOLDER.mkdir(exist_ok=True)
    save(torch.jit.script(nn.Sequential(nn.Flatten(), nn.Linear(784, 10))), "linear")
    save(torch.jit.script(nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 3))), "layers")

    # Dropout and BatchNorm of values: exported in train mode, in evaluation mode, and with BatchNorm
    # alone in evaluation mode.
    net = nn.Sequential(nn.Flatten(), nn.Linear(2, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3),
                        nn.Linear(16, 2))  # fmt: skip
    save(torch.jit.script(net), "dropout-train")
    save(torch.jit.script(net.eval()), "dropout-eval")
    net.train()
    net[2].eval()
    save(torch.jit.script(net), "dropout-frozen")

    # The momentum of BatchNorm, None for the mean of all batches; and a trace in evaluation mode.
    save(torch.jit.script(Norms(0.1)), "norms-tenth")
    save(torch.jit.script(Norms(None)), "norms-none")
    save(torch.jit.trace(Norms(0.1).eval(), torch.randn(2, 3, 4, 4)), "norms-traced")


if __name__ == "__main__":
    main()
