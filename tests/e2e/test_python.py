"""Models to and from PyTorch: what Python exports is trained, what is trained Python loads."""

import gzip
import sys
import unittest

import torch
from torch import nn

from program import FASHION, GOLDEN, ProgramTest

sys.path.insert(0, str(GOLDEN))
import python_models  # noqa: E402

FLAGS = ("train", "--data", "fashion-mnist", "--train-samples", 500, "--workers", 2, "--threads",
         1, "--epochs", 2, "--evaluate-every", 0, "--batch-size", 25, "--quiet", "--out", "run")  # fmt: skip


def read_idx(name, dims):
    with gzip.open(FASHION / f"{name}.gz") as file:
        data = bytearray(file.read())
    return torch.frombuffer(data, dtype=torch.uint8, offset=4 + 4 * dims)


def test_set():
    """Images normalised as the documentation says: by mean and deviation of all training bytes."""
    train = read_idx("train-images-idx3-ubyte", 3)
    counts = torch.bincount(train.int(), minlength=256).double()
    values = torch.arange(256).double() / 255
    mean = (counts * values).sum() / counts.sum()
    deviation = ((counts * (values - mean) ** 2).sum() / counts.sum()).sqrt()
    images = read_idx("t10k-images-idx3-ubyte", 3).reshape(-1, 1, 28, 28).float() / 255
    labels = read_idx("t10k-labels-idx1-ubyte", 1).long()
    return (images - mean.float()) / deviation.float(), labels


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 6, 3, stride=2)
        self.norm = nn.BatchNorm2d(6)
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(6 * 13 * 13, 10)

    def forward(self, x):
        x = torch.relu(self.norm(self.conv(x)))
        return self.head(self.drop(x.flatten(1)))


class Python(ProgramTest):
    def scores(self, net):
        images, labels = test_set()
        net.eval()
        with torch.no_grad():
            logits = torch.cat([net(part) for part in images.split(1000)])
        loss = nn.functional.cross_entropy(logits, labels).item()
        return loss, (logits.argmax(1) == labels).double().mean().item()

    def assert_scores(self, net):
        loss, accuracy = self.scores(net)
        summary = self.summary("run")
        self.assertGreater(accuracy, 0.3)  # 0.1 would be guessing
        self.assertAlmostEqual(summary["test_accuracy"], accuracy, delta=1e-3)
        self.assertAlmostEqual(summary["test_loss"], loss, delta=1e-3)

    def test_torchscript(self):
        torch.manual_seed(1)
        net = Small()
        torch.jit.script(net).save(str(self.folder / "net.pt"))
        self.succeed(*FLAGS, "--model", "net.pt")
        trained = python_models.load_safetensors(self.folder / "run" / "model.safetensors")
        self.assertEqual(set(trained), set(net.state_dict()))
        net.load_state_dict(trained)
        self.assert_scores(net)

        script = torch.jit.load(str(self.folder / "run" / "model.pt"))
        for name, tensor in script.state_dict().items():
            self.assertTrue(torch.equal(tensor, trained[name]), name)
        script.eval()
        net.eval()
        x = torch.randn(5, 1, 28, 28)
        self.assertTrue(torch.allclose(script(x), net(x), atol=1e-5))

    def test_lenet(self):
        self.succeed(*FLAGS, "--model", "lenet")
        net = python_models.make("lenet")
        net.load_state_dict(python_models.load_safetensors(self.folder / "run" / "model.safetensors"))
        self.assert_scores(net)


if __name__ == "__main__":
    unittest.main()
