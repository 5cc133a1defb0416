"""The registry's models as ordinary PyTorch modules, and a reader for model.safetensors.

    net = python_models.make("lenet", (1, 28, 28), classes=10)
    net.load_state_dict(python_models.load_safetensors("runs/demo/model.safetensors"))

Names and shapes are those of valley's models, so load_state_dict is strict. With the safetensors
package installed, safetensors.torch.load_file(path) does what load_safetensors does here.
"""

import json
import math

import torch
from torch import nn
from torch.nn import functional as F


class MLP(nn.Module):
    def __init__(self, shape, classes):
        super().__init__()
        self.fc1 = nn.Linear(math.prod(shape), 128)
        self.fc2 = nn.Linear(128, 64)
        self.fc3 = nn.Linear(64, classes)

    def forward(self, x):
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x.flatten(1))))))


class LeNet(nn.Module):
    def __init__(self, shape, classes):
        super().__init__()
        height, width = [(side // 2 - 4) // 2 for side in shape[1:]]
        self.conv1 = nn.Conv2d(shape[0], 16, 5, padding=2)
        self.conv2 = nn.Conv2d(16, 32, 5)
        self.fc1 = nn.Linear(32 * height * width, 64)
        self.fc2 = nn.Linear(64, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + self.downsample(x))


class ResNet(nn.Module):
    def __init__(self, shape, classes, widths, blocks):
        super().__init__()
        self.conv1 = nn.Conv2d(shape[0], widths[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        inputs = widths[0]
        for i, outputs in enumerate(widths):
            stage = [BasicBlock(inputs, outputs, 1 if i == 0 else 2)]
            stage += [BasicBlock(outputs, outputs, 1) for _ in range(blocks - 1)]
            self.add_module(f"layer{i + 1}", nn.Sequential(*stage))
            inputs = outputs
        if len(widths) == 3:
            self.layer4 = nn.Identity()
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


def make(name, shape=(1, 28, 28), classes=10):
    """The PyTorch twin of the registry model `name` for images of `shape` (C, H, W)."""
    return {
        "mlp": lambda: MLP(shape, classes),
        "lenet": lambda: LeNet(shape, classes),
        "resnet-8": lambda: ResNet(shape, classes, (16, 32, 64), 1),
        "resnet-20": lambda: ResNet(shape, classes, (16, 32, 64), 3),
        "resnet-18": lambda: ResNet(shape, classes, (64, 128, 256, 512), 2),
    }[name]()


DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8,
    "U8": torch.uint8, "BOOL": torch.bool,
}  # fmt: skip


def load_safetensors(path):
    """{name: tensor} of a safetensors file."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = bytearray(file.read())
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        dtype, shape = DTYPES[entry["dtype"]], entry["shape"]
        if begin == end:
            tensors[name] = torch.empty(shape, dtype=dtype)
        else:
            count = math.prod(shape)
            tensors[name] = torch.frombuffer(data, dtype=dtype, count=count, offset=begin).reshape(shape)
    return tensors
