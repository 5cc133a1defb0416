"""Samples per second of the `lenet` of valley in PyTorch from Python, one thread: batch size and
steps as arguments. The whole loop counts: taking the batch, both passes, the step."""

import gzip
import json
import sys
import time

import numpy
import torch
import torch.nn.functional as F

batch, steps = int(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(1)
torch.manual_seed(0)
folder = "/usr/share/datasets/fashion-mnist/"
images = numpy.frombuffer(gzip.open(folder + "train-images-idx3-ubyte.gz").read(), numpy.uint8, offset=16)
labels = numpy.frombuffer(gzip.open(folder + "train-labels-idx1-ubyte.gz").read(), numpy.uint8, offset=8)
x = torch.from_numpy(images.copy()).view(-1, 1, 28, 28).float().div_(255).sub_(0.2860).div_(0.3530)
y = torch.from_numpy(labels.copy()).long()


class LeNet(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(1, 16, 5, padding=2)
        self.conv2 = torch.nn.Conv2d(16, 32, 5)
        self.fc1 = torch.nn.Linear(800, 64)
        self.fc2 = torch.nn.Linear(64, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


net = LeNet()
optimizer = torch.optim.SGD(net.parameters(), lr=0.03, momentum=0.9)


def train(count):
    for _ in range(count):
        index = torch.randint(len(y), (batch,))
        loss = F.cross_entropy(net(x[index]), y[index])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


train(10)
start = time.perf_counter()
train(steps)
print(json.dumps({"samples_per_second": batch * steps / (time.perf_counter() - start)}))
