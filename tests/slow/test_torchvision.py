"""Seventeen architectures of the distribution's torchvision, with random weights: scripted and
traced, in train and in evaluation mode, trained for two steps, and back in Python with strict names
and equal scores."""

import contextlib
import io
import math
import shutil
import sys
import time
import unittest
import warnings

import torch
import torchvision
from torch import nn
from torchvision import models

from program import GOLDEN, ProgramTest

sys.path.insert(0, str(GOLDEN))
import python_models  # noqa: E402

TRAIN, TEST, CLASSES = 20, 20, 10
BATCHES = [f"data_batch_{i}.bin" for i in range(1, 6)]


class Resized(nn.Module):
    """A network for larger images than those of the data set."""

    def __init__(self, net, size):
        super().__init__()
        self.resize, self.net = nn.Upsample(size=(size, size)), net

    def forward(self, x):
        return self.net(self.resize(x))


def vgg():
    net = models.vgg11_bn(num_classes=CLASSES)
    net.classifier = nn.Sequential(nn.Linear(512 * 7 * 7, 64), nn.ReLU(), nn.Dropout(), nn.Linear(64, CLASSES))
    return net


def convnext():
    block = models.convnext.CNBlockConfig
    return models.ConvNeXt([block(24, 48, 1), block(48, 96, 1), block(96, None, 1)],
                           stochastic_depth_prob=0.1, num_classes=CLASSES)  # fmt: skip


def swin():
    # Without dropout: that of its attention stays on in evaluation, in torchvision 0.14 (dropout() is called
    # without `training`), as valley says.
    return models.SwinTransformer([2, 2], 24, [2, 2], [2, 4], [4, 4], num_classes=CLASSES)


def vit():
    return models.VisionTransformer(32, 8, 2, 2, 32, 64, dropout=0.1, num_classes=CLASSES)


# Small members of a family where the family has large ones only: the code is the same.
ARCHITECTURES = {
    "alexnet": lambda: Resized(models.alexnet(num_classes=CLASSES), 64),
    "vgg11_bn": vgg,
    "resnet18": lambda: models.resnet18(num_classes=CLASSES),
    "resnext50": lambda: models.resnext50_32x4d(num_classes=CLASSES),
    "densenet121": lambda: models.densenet121(num_classes=CLASSES),
    "googlenet": lambda: models.googlenet(num_classes=CLASSES, init_weights=False),
    "inception_v3": lambda: Resized(
        models.inception_v3(num_classes=CLASSES, init_weights=False, aux_logits=False), 80),
    "mobilenet_v2": lambda: models.mobilenet_v2(num_classes=CLASSES),
    "mobilenet_v3": lambda: models.mobilenet_v3_small(num_classes=CLASSES),
    "mnasnet": lambda: models.mnasnet0_5(num_classes=CLASSES),
    "shufflenet": lambda: models.shufflenet_v2_x0_5(num_classes=CLASSES),
    "squeezenet": lambda: models.squeezenet1_1(num_classes=CLASSES),
    "efficientnet": lambda: models.efficientnet_b0(num_classes=CLASSES),
    "regnet": lambda: models.regnet_x_400mf(num_classes=CLASSES),
    "convnext": convnext,
    "swin": swin,
    "vit": vit,
}  # fmt: skip


def make(name, seed):
    torch.manual_seed(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ARCHITECTURES[name]()


def write_cifar(folder):
    """TRAIN and TEST images of noise around a colour of their class, in CIFAR-10's binary form."""
    generator = torch.Generator().manual_seed(7)
    colours = torch.randint(0, 256, (CLASSES, 3, 1, 1), generator=generator)
    folder.mkdir()
    for file, count in [(name, TRAIN // 5) for name in BATCHES] + [("test_batch.bin", TEST)]:
        labels = torch.arange(count) % CLASSES
        noise = torch.randint(-60, 61, (count, 3, 32, 32), generator=generator)
        images = (colours[labels] + noise).clamp(0, 255).reshape(count, 3072)
        (folder / file).write_bytes(bytes(torch.cat([labels[:, None], images], 1).to(torch.uint8).flatten().tolist()))


def read_cifar(folder):
    """The test images as the documentation says: normalised by the training set."""
    def split(*files):
        content = b"".join((folder / file).read_bytes() for file in files)
        rows = torch.tensor(list(content), dtype=torch.uint8).reshape(-1, 3073)
        return rows[:, 1:].reshape(-1, 3, 32, 32).double() / 255, rows[:, 0].long()

    train, _ = split(*BATCHES)
    mean, deviation = train.mean((0, 2, 3)), train.std((0, 2, 3), unbiased=False)
    images, labels = split("test_batch.bin")
    return ((images - mean[:, None, None]) / deviation[:, None, None]).float(), labels


class Torchvision(ProgramTest):
    def export(self, name, how, mode):
        """Writes net.pt; the flags that say which of its outputs is trained."""
        net = make(name, seed=0).train(mode == "train")
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            if how == "script":
                script = torch.jit.script(net)
            else:
                script = torch.jit.trace(net, torch.randn(4, 3, 32, 32), check_trace=False)
        script.save(str(self.folder / "net.pt"))
        if name == "googlenet" and (how == "script" or mode == "train"):
            return ["--output", 0, "--auxiliary", 0.3]
        if name == "inception_v3" and how == "script":  # it has no auxiliary head, and names its one output
            return ["--output", "logits"]
        return []

    def scores(self, net):
        images, labels = self.data
        with torch.no_grad():
            logits = net.eval()(images)
        logits = logits if isinstance(logits, torch.Tensor) else logits[0]
        loss = nn.functional.cross_entropy(logits, labels).item()
        return loss, (logits.argmax(1) == labels).double().mean().item()

    def train_and_load(self, name, how, mode):
        outputs = self.export(name, how, mode)
        shutil.rmtree(self.folder / "run", ignore_errors=True)
        code, _, err = self.run_valley(
            "train", "--model", "net.pt", "--data", "cifar10:data", "--workers", 2, "--threads", 1,
            "--batch-size", 4, "--steps", 2, "--period", 2, "--momentum", 0, "--lr", 0.01, "--push", 0.01,
            "--evaluate-every", 0, "--out", "run", *outputs)  # fmt: skip
        self.assertEqual(code, 0, err)
        fixed = "has modes that cannot be switched" in err
        has_modes = any(isinstance(m, (nn.modules.batchnorm._BatchNorm, nn.Dropout)) and getattr(m, "p", 1) > 0
                        for m in make(name, seed=0).modules())  # fmt: skip
        self.assertEqual(fixed, how == "trace" and has_modes, err)

        trained = python_models.load_safetensors(self.folder / "run" / "model.safetensors")
        net = make(name, seed=1)
        if how == "trace" and mode == "eval" and name == "googlenet":
            # A trace has no auxiliary heads that were not run, but it has their weights.
            self.assertEqual(set(trained), set(net.state_dict()))
        state = trained
        if name == "mnasnet":  # which asks for the version that only a state_dict() of PyTorch's own has
            state = net.state_dict()
            self.assertEqual(set(state), set(trained))
            state.update(trained)
        net.load_state_dict(state, strict=True)
        script = torch.jit.load(str(self.folder / "run" / "model.pt"))
        script.load_state_dict(trained, strict=True)
        for key, tensor in script.state_dict().items():
            self.assertTrue(torch.equal(tensor, trained[key]), key)

        summary = self.summary("run")
        expected = summary["test_loss"], summary["test_accuracy"]
        if how == "trace" and mode == "train":
            self.assertTrue(math.isfinite(expected[0]))  # evaluation draws and normalises as training does
        else:
            loss, accuracy = self.scores(net)
            self.assertLess(abs(loss - expected[0]), 1e-3 * max(1, abs(loss)))
            self.assertLess(abs(accuracy - expected[1]), 1.01 / TEST)  # one of two near equals
        return expected, (self.folder / "run" / "model.safetensors").read_bytes()

    def test_architectures(self):
        torch.set_num_threads(1)
        write_cifar(self.folder / "data")
        self.data = read_cifar(self.folder / "data")
        self.assertEqual(len(ARCHITECTURES), 17)
        for name in ARCHITECTURES:
            models_left = {}
            for how in ("script", "trace"):
                for mode in ("train", "eval"):
                    with self.subTest(architecture=name, how=how, mode=mode):
                        begin = time.monotonic()
                        (loss, accuracy), left = self.train_and_load(name, how, mode)
                        models_left[how, mode] = left
                        print(f"{name:14} {how:6} {mode:5} test loss {loss:7.4f} accuracy {accuracy:4.2f}"
                              f" {time.monotonic() - begin:6.1f} s", flush=True)  # fmt: skip
            with self.subTest(architecture=name, what="the mode of the export changes nothing"):
                self.assertEqual(models_left.get(("script", "train"), b""), models_left.get(("script", "eval")))


if __name__ == "__main__":
    print("torch", torch.__version__, "torchvision", torchvision.__version__)
    unittest.main()
