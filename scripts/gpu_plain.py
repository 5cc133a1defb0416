#!/usr/bin/python3
"""Samples a second of plain PyTorch on a GPU, beside which scripts/check-gpu.sh sets Valley's.

    scripts/gpu_plain.py MODEL BATCH STEPS
"""
import pathlib
import sys
import time

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests/golden"))
import python_models  # noqa: E402  the PyTorch twins of the registry's models


def main():
    name, batch, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    device = torch.device("cuda")
    net = python_models.make(name).to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.03, momentum=0.9)
    inputs = torch.randn(40 * batch, 1, 28, 28)
    targets = torch.randint(0, 10, (40 * batch,))

    def run(count):
        for k in range(count):
            chosen = torch.randint(0, len(inputs), (batch,))
            x = inputs[chosen].pin_memory().to(device, non_blocking=True)
            y = targets[chosen].pin_memory().to(device, non_blocking=True)
            loss = torch.nn.functional.cross_entropy(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        torch.cuda.synchronize()

    run(20)  # warms up
    start = time.time()
    run(steps)
    print(batch * steps / (time.time() - start))


if __name__ == "__main__":
    main()
