"""The registry's models as ordinary PyTorch modules, and a reader for model.safetensors.

    net = python_models.make("lenet", (1, 28, 28), classes=10)
    net.load_state_dict(python_models.load_safetensors("runs/demo/model.safetensors"))

Names and shapes are those of valley's models, so load_state_dict is strict. With the safetensors
package installed, safetensors.torch.load_file(path) does what load_safetensors does here.
"""

import json
import math
import re

import torch
from torch import nn
from torch.nn import functional as F


class MLP(nn.Module):
    def __init__(self, shape, classes, first=128, second=64):
        super().__init__()
        self.fc1 = nn.Linear(math.prod(shape), first)
        self.fc2 = nn.Linear(first, second)
        self.fc3 = nn.Linear(second, classes)

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
            stage += [BasicBlock(outputs, outputs, 1) for _ in range(blocks[i] - 1)]
            self.add_module(f"layer{i + 1}", nn.Sequential(*stage))
            inputs = outputs
        if len(widths) == 3:
            self.layer4 = nn.Identity()
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


class VGG(nn.Module):
    def __init__(self, shape, classes, convolutions):
        super().__init__()
        layers, inputs = [], shape[0]
        for outputs, count in zip((64, 128, 256, 512, 512), convolutions):
            for _ in range(count):
                layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]
                inputs = outputs
            layers += [nn.MaxPool2d(2, ceil_mode=True)]
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(512, classes)

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


class WideBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.projects = stride != 1 or inputs != outputs
        self.shortcut = nn.Identity()
        if self.projects:
            self.shortcut = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)

    def forward(self, x):
        y = F.relu(self.bn1(x))
        return self.conv2(F.relu(self.bn2(self.conv1(y)))) + self.shortcut(y if self.projects else x)


class WideResNet(nn.Module):
    def __init__(self, shape, classes, depth, widening):
        super().__init__()
        self.conv1 = nn.Conv2d(shape[0], 16, 3, padding=1, bias=False)
        inputs = 16
        for i, outputs in enumerate((16 * widening, 32 * widening, 64 * widening)):
            stage = [WideBlock(inputs, outputs, 1 if i == 0 else 2)]
            stage += [WideBlock(outputs, outputs, 1) for _ in range((depth - 4) // 6 - 1)]
            self.add_module(f"layer{i + 1}", nn.Sequential(*stage))
            inputs = outputs
        self.bn_final = nn.BatchNorm2d(inputs)
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(self.conv1(x))))
        return self.fc(F.relu(self.bn_final(x)).mean((2, 3)))


class PyramidBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.missing, self.stride = outputs - inputs, stride
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)

    def forward(self, x):
        y = self.bn3(self.conv2(F.relu(self.bn2(self.conv1(self.bn1(x))))))
        if self.stride == 2:
            x = F.avg_pool2d(x, 2, ceil_mode=True)
        return y + F.pad(x, (0, 0, 0, 0, 0, self.missing))


class PyramidNet(nn.Module):
    def __init__(self, shape, classes, depth, alpha):
        super().__init__()
        blocks = (depth - 2) // 2
        widths = [16 + math.floor(k * alpha / blocks + 0.5) for k in range(blocks + 1)]
        self.conv1 = nn.Conv2d(shape[0], 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        for i in range(3):
            first, last = i * blocks // 3, (i + 1) * blocks // 3
            stage = [
                PyramidBlock(widths[k], widths[k + 1], 2 if k == first and i > 0 else 1)
                for k in range(first, last)
            ]
            self.add_module(f"layer{i + 1}", nn.Sequential(*stage))
        self.bn_final = nn.BatchNorm2d(widths[-1])
        self.fc = nn.Linear(widths[-1], classes)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(self.bn1(self.conv1(x)))))
        return self.fc(F.relu(self.bn_final(x)).mean((2, 3)))


class LSTM(nn.Module):
    def __init__(self, shape, classes):
        super().__init__()
        self.lstm = nn.LSTM(
            shape[0] * shape[2], 128, num_layers=2, bidirectional=True, batch_first=True
        )
        self.fc = nn.Linear(256, classes)

    def forward(self, x):
        return self.fc(self.lstm(x.transpose(1, 2).flatten(2))[0].mean(1))


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        q, k, v = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        weights = torch.softmax(q @ k.transpose(2, 3) / math.sqrt(q.shape[3]), dim=3)
        return self.proj((weights @ v).transpose(1, 2).flatten(2))


class TransformerMLP(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class TransformerBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = TransformerMLP(width)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchEmbedding(nn.Module):
    def __init__(self, channels, width, patch):
        super().__init__()
        self.proj = nn.Conv2d(channels, width, patch, stride=patch)

    def forward(self, x):
        return self.proj(x).flatten(2).transpose(1, 2)


class VisionTransformer(nn.Module):
    def __init__(self, shape, classes, patch=4, width=128, depth=6, heads=4):
        super().__init__()
        patches = (shape[1] // patch) * (shape[2] // patch)
        self.cls_token = nn.Parameter(0.02 * torch.randn(1, 1, width))
        self.pos_embed = nn.Parameter(0.02 * torch.randn(1, patches + 1, width))
        self.patch_embed = PatchEmbedding(shape[0], width, patch)
        self.blocks = nn.Sequential(*[TransformerBlock(width, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        x = self.patch_embed(x)
        x = torch.cat((self.cls_token.expand(x.shape[0], -1, -1), x), dim=1) + self.pos_embed
        return self.head(self.norm(self.blocks(x))[:, 0])


class TextLSTM(nn.Module):
    def __init__(self, vocabulary):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, 128)
        self.lstm = nn.LSTM(128, 128, num_layers=2, batch_first=True)
        self.fc = nn.Linear(128, vocabulary)

    def forward(self, tokens):
        return self.fc(self.lstm(self.embedding(tokens))[0])


class CausalAttention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.c_attn = nn.Linear(width, 3 * width)
        self.c_proj = nn.Linear(width, width)
        self.heads = width // min(64, width)

    def forward(self, x):
        q, k, v = (part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in self.c_attn(x).chunk(3, dim=2))
        scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[3])
        later = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
        weights = torch.softmax(scores.masked_fill(later, -math.inf), dim=3)
        return self.c_proj((weights @ v).transpose(1, 2).flatten(2))


class GPTMLP(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.c_fc = nn.Linear(width, 4 * width)
        self.c_proj = nn.Linear(4 * width, width)

    def forward(self, x):
        x = self.c_fc(x)
        gelu = 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
        return self.c_proj(gelu)


class GPTBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.ln_1 = nn.LayerNorm(width)
        self.attn = CausalAttention(width)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = GPTMLP(width)

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    def __init__(self, vocabulary, context, layers, width):
        super().__init__()
        self.wte = nn.Embedding(vocabulary, width)
        self.wpe = nn.Embedding(context, width)
        self.h = nn.Sequential(*[GPTBlock(width) for _ in range(layers)])
        self.ln_f = nn.LayerNorm(width)

    def forward(self, tokens):
        x = self.wte(tokens) + self.wpe(torch.arange(tokens.shape[1]))
        return F.linear(self.ln_f(self.h(x)), self.wte.weight)


VGG_CONVOLUTIONS = {
    11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4),
}  # fmt: skip

RESNET_STAGES = {
    18: ((64, 128, 256, 512), (2, 2, 2, 2)),
    34: ((64, 128, 256, 512), (3, 4, 6, 3)),
    **{6 * n + 2: ((16, 32, 64), (n, n, n)) for n in (1, 2, 3, 5, 7, 9, 18)},
}


def make(name, shape=(1, 28, 28), classes=10, vocabulary=0):
    """The PyTorch twin of the registry model `name` for images of `shape` (C, H, W), or for texts (1, 1, T) of a
    vocabulary."""
    numbers = [int(number) for number in re.findall(r"[0-9]+", name)]
    return {
        "mlp": lambda: MLP(shape, classes),
        "mlp-#-#": lambda first, second: MLP(shape, classes, first, second),
        "lenet": lambda: LeNet(shape, classes),
        "vgg#": lambda depth: VGG(shape, classes, VGG_CONVOLUTIONS[depth]),
        "resnet-#": lambda depth: ResNet(shape, classes, *RESNET_STAGES[depth]),
        "wide-resnet-#-#": lambda depth, widening: WideResNet(shape, classes, depth, widening),
        "pyramidnet-#-#": lambda depth, alpha: PyramidNet(shape, classes, depth, alpha),
        "lstm": lambda: TextLSTM(vocabulary) if vocabulary else LSTM(shape, classes),
        "vit": lambda: VisionTransformer(shape, classes),
        "gpt-#-#": lambda layers, width: GPT(vocabulary, shape[2], layers, width),
    }[re.sub(r"[0-9]+", "#", name)](*numbers)


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
