"""Models to and from PyTorch: what Python exports is trained or refused, what is trained Python loads."""

import gzip
import json
import math
import os
import sys
import types
import unittest

import torch
from torch import nn

from program import FASHION, GOLDEN, ProgramTest
from test_processes import free_port

sys.path.insert(0, str(GOLDEN))
import python_models  # noqa: E402

FLAGS = ("train", "--data", "fashion-mnist", "--train-samples", 500, "--workers", 2, "--threads",
         1, "--epochs", 2, "--evaluate-every", 0, "--batch-size", 25, "--quiet", "--out", "run")  # fmt: skip

MOMENT = "--data blobs --train-samples 200 --test-samples 100 --workers 2 --threads 1".split()


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


class Shared(nn.Module):
    """One weight in two places, one module under two names, a buffer that Python may not save."""

    def __init__(self, persistent=False):
        super().__init__()
        self.first, self.a, self.b = nn.Linear(784, 8), nn.Linear(8, 8), nn.Linear(8, 8)
        self.norm, self.head = nn.BatchNorm1d(8), nn.Linear(8, 10)
        self.again, self.b.weight = self.norm, self.a.weight
        self.register_buffer("grid", torch.full((8,), 0.5), persistent=persistent)

    def forward(self, x):
        x = self.norm(self.a(torch.relu(self.first(x.flatten(1)))) * self.grid)
        return self.head(self.again(self.b(x)))


class Heads(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head, self.extra = nn.Linear(784, 8), nn.Linear(8, 10), nn.Linear(8, 10)

    def forward(self, x):
        x = torch.relu(self.body(x.flatten(1)))
        return {"features": self.extra(x), "logits": self.head(x)}


class Odd(nn.Module):
    """Parameters of every shape: empty, of one value, of no dimension, frozen."""

    def __init__(self):
        super().__init__()
        self.empty = nn.Parameter(torch.zeros(0, 4))
        self.none = nn.Parameter(torch.zeros(3, 0))
        self.one = nn.Parameter(torch.ones(1, 1))
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.shift = nn.Parameter(torch.tensor(0.1), requires_grad=False)
        self.void = nn.Parameter(torch.zeros(0, 2), requires_grad=False)
        self.unused = nn.Parameter(torch.ones(2, 2))
        self.fc = nn.Linear(784, 10)
        self.norm = nn.BatchNorm1d(10)

    def forward(self, x):
        x = self.norm(self.fc(x.flatten(1))) * self.scale * self.one + self.shift
        return x + self.empty.sum() + self.none.sum()


def blocks_of(document, begin):
    """The Python code of a document from the line that holds `begin` to the next of its kind."""
    text = (GOLDEN.parent.parent / document).read_text()
    start = text.index(begin)
    ends = [text.find(mark, start + 1) for mark in ("\n**", "\n## ")]
    part = text[start : min(end for end in ends if end > 0)]
    return [block.split("```")[0] for block in part.split("```python\n")[1:]]


def run_block(block, folder, **names):
    """The names after the code has run in `folder`. Debian has no package safetensors: where it is
    missing, a module of that name reads the file with python_models."""
    try:
        import safetensors.torch  # noqa: F401
    except ImportError:
        package, module = types.ModuleType("safetensors"), types.ModuleType("safetensors.torch")
        module.load_file = python_models.load_safetensors
        package.torch = module
        sys.modules.update({"safetensors": package, "safetensors.torch": module})
    names = {"torch": torch, **names}
    before = os.getcwd()
    try:
        os.chdir(folder)
        exec(block, names)
    finally:
        os.chdir(before)
    return names


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

    def export(self, net, name, trace=False):
        net = torch.jit.trace(net, torch.randn(2, 1, 28, 28)) if trace else torch.jit.script(net)
        net.save(str(self.folder / name))

    def train_file(self, model, out, *flags, **options):
        """(exit code, stdout, stderr) of a training of a moment."""
        return self.run_valley("train", *MOMENT, "--model", model, "--steps", 4, "--checkpoint-every", 2,
                               "--evaluate-every", 0, "--out", out, *flags, **options)  # fmt: skip

    def test_all_names_and_the_recipes_of_the_documents(self):
        """Tied weights, a module under two names, a buffer that is not of the state_dict; loaded as
        README.md and docs/models.md say."""
        self.export(Shared().eval(), "net.pt")
        code, _, err = self.train_file("net.pt", "runs/net")
        self.assertEqual(code, 0, err)
        self.assertIn("model.safetensors holds grid: a TorchScript file does not tell", err)
        trained = python_models.load_safetensors(self.folder / "runs/net/model.safetensors")
        state = Shared().state_dict()
        self.assertEqual(set(trained), set(state) | {"grid"})
        self.assertTrue(torch.equal(trained["a.weight"], trained["b.weight"]))

        self.assertIn("import safetensors.torch", "".join(blocks_of("README.md", "PyTorch model of your own")))
        plain = Shared(persistent=True)  # its state_dict is what the file lists
        run_block(blocks_of("README.md", "PyTorch model of your own")[1], self.folder, net=plain)
        for block in blocks_of("docs/models.md", "## A PyTorch model of your own")[1:]:
            with self.subTest(block=block):
                net = Shared()
                net = run_block(block, self.folder, net=net)["net"]
                for key, tensor in net.state_dict().items():
                    self.assertTrue(torch.equal(tensor, trained[key]), key)
                x = torch.randn(5, 1, 28, 28)
                self.assertTrue(torch.allclose(net.eval()(x), plain.eval()(x), atol=1e-5))

    def test_one_of_several_outputs(self):
        self.export(Heads(), "net.pt")
        code, _, err = self.run_valley("train", *MOMENT, "--model", "net.pt")
        self.assertEqual(code, 2)
        self.assertTrue(err.startswith("valley: net.pt: forward returns 2 outputs; choose one: --output features or "
                                       "logits; "), err)  # fmt: skip
        code, _, err = self.train_file("net.pt", "plain", "--output", "logits")
        self.assertEqual(code, 0, err)
        code, _, err = self.train_file("net.pt", "both", "--output", "logits", "--auxiliary", 0.5)
        self.assertEqual(code, 0, err)
        config = (self.folder / "both/config.toml").read_text()
        self.assertIn('output = "logits"\nauxiliary = 0.5\n', config)
        plain, both = (
            python_models.load_safetensors(self.folder / run / "model.safetensors") for run in ("plain", "both")
        )
        self.assertFalse(torch.equal(plain["body.weight"], both["body.weight"]))
        start = torch.jit.load(str(self.folder / "both/initial.pt")).state_dict()["extra.weight"]
        self.assertTrue(torch.equal(plain["extra.weight"], start))  # nothing reached it
        self.assertFalse(torch.equal(both["extra.weight"], start))

    def test_a_trace_says_which_modes_it_keeps(self):
        self.export(Small().eval(), "trace.pt", trace=True)
        code, _, err = self.train_file("trace.pt", "run")
        self.assertEqual(code, 0, err)
        self.assertEqual(err.count("trace.pt has modes that cannot be switched: 1 BatchNorm in evaluation mode "
                                   "(their statistics stay as they are), 1 dropout off;"), 1)  # fmt: skip

    def test_the_folder_stands_by_itself(self):
        """Without its file, under another name and seen from elsewhere a run goes on to the same
        bits, and is measured."""
        torch.manual_seed(2)
        self.export(Small(), "network.torchscript")  # known by its content
        code, _, err = self.train_file("network.torchscript", "run")
        self.assertEqual(code, 0, err)
        config = (self.folder / "run/config.toml").read_text()
        self.assertIn(f'model = "{self.folder}/network.torchscript"', config)
        self.assertEqual((self.folder / "run/initial.pt").read_bytes(),
                         (self.folder / "network.torchscript").read_bytes())  # fmt: skip
        whole = self.model("run")

        self.export(Small(), "network.torchscript")  # of equal size
        code, _, err = self.run_valley("compare", *MOMENT, "--algorithms", "dppf", "--steps", 1, "--model",
                                       "network.torchscript", "--out", "several", "--quiet")  # fmt: skip
        self.assertEqual(code, 0, err)
        (self.folder / "network.torchscript").write_bytes((self.folder / "run/initial.pt").read_bytes())
        code, _, err = self.run_valley("compare", *MOMENT, "--algorithms", "dppf", "--steps", 1, "--model",
                                       "network.torchscript", "--out", "several", "--quiet")  # fmt: skip
        self.assertEqual(code, 2)
        self.assertIn("the file has changed since", err)

        (self.folder / "network.torchscript").unlink()
        (self.folder / "elsewhere").mkdir()
        moved = (self.folder / "run").rename(self.folder / "elsewhere" / "moved")
        (moved / "summary.json").unlink()
        (moved / "model.safetensors").unlink()
        for file in moved.glob("checkpoints/step-00000004/*"):
            file.unlink()
        self.folder = self.folder / "elsewhere"
        self.succeed("train", "--resume", "moved", "--quiet")
        self.assertEqual(self.model("moved"), whole)
        self.succeed("sharpness", "moved", "--measures", "pac-bayes", "--quiet")

        (moved / "summary.json").unlink()
        data = bytearray((moved / "initial.pt").read_bytes())
        data[len(data) // 2] ^= 1
        (moved / "initial.pt").write_bytes(data)
        code, _, err = self.run_valley("train", "--resume", "moved", "--quiet")
        self.assertEqual(code, 2)
        self.assertIn("moved/initial.pt is not the file that the run began with", err)

    def test_parameters_of_every_shape(self):
        """For every instrument."""
        self.export(Odd(), "odd.pt")
        code, _, err = self.run_valley("train", *MOMENT, "--model", "odd.pt", "--steps", 12, "--probe", 10,
                                       "--out", "run")  # fmt: skip
        self.assertEqual(code, 0, err)
        plane = ("--points", 3, "--samples", 50, "--plane", "random", "--json", "--quiet")
        (run,) = json.loads(self.succeed("landscape", "run", *plane))["runs"]
        for point in run["points"]:
            self.assertTrue(all(math.isfinite(point[key]) for key in ("x", "y", "off_plane")), point)
        few = ("run", "--samples", 50, "--draws", 2, "--json", "--quiet")
        (run,) = json.loads(self.succeed("sharpness", *few))["runs"]
        for name, measure in run["measures"].items():
            self.assertIsInstance(measure["value"], float, (name, measure))
        (run,) = json.loads(self.succeed("dynamics", *few))["runs"]
        self.assertGreater(run["spread"]["consensus_distance"], 0)
        self.assertIsInstance(run["smoothed"]["smoothed_loss"]["value"], float)

    def test_lenet(self):
        self.succeed(*FLAGS, "--model", "lenet")
        net = python_models.make("lenet")
        net.load_state_dict(python_models.load_safetensors(self.folder / "run" / "model.safetensors"))
        self.assert_scores(net)


class ScriptFiles(ProgramTest):
    def flags(self, model):
        return ("train", "--data", "blobs", "--train-samples", 100, "--model", model)

    def refuse_file(self, pattern, model):
        code, out, err = self.run_valley(*self.flags(model))
        self.assertEqual((code, out), (2, ""), err)
        self.assertRegex(err, rf"\Avalley: {pattern}[^\n]*\n\Z")
        self.assertFalse((self.folder / "runs").exists())

    def test_missing(self):
        self.refuse("cannot read no.pt: No such file or directory", *self.flags("no.pt"))

    def test_no_script(self):
        net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
        torch.save(net.state_dict(), self.folder / "state.pt")
        self.refuse_file("[^\n]*state.pt", "state.pt")
        torch.jit.script(net).save(str(self.folder / "net.pt"))
        whole = (self.folder / "net.pt").read_bytes()
        (self.folder / "cut.pt").write_bytes(whole[: len(whole) // 2])
        self.refuse_file("[^\n]*cut.pt", "cut.pt")

    def test_other_shape(self):
        # In this PyTorch's own words: some versions name the operator first.
        with self.assertRaises(RuntimeError) as caught:
            torch.nn.Linear(77, 10)(torch.zeros(100, 784))
        words = str(caught.exception)
        self.assertRegex(
            words, r"\A(addmm: )?mat1 and mat2 shapes cannot be multiplied \(100x784 and 77x10\)\Z"
        )
        for inputs, outputs, message in [
            (77, 10, f"net.pt: forward failed: {words}; it was given a batch of an evaluation, "
                     "float32 [100, 1, 28, 28]"),
            (784, 3, "net.pt returns 3 logits, but blobs has 10 classes"),
        ]:  # fmt: skip
            net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(inputs, outputs))
            torch.jit.script(net).save(str(self.folder / "net.pt"))
            self.refuse(message, *self.flags("net.pt"))

    def test_refused_before_a_folder_is_made(self):
        """By the rehearsal, whoever starts the workers; the corrected command then runs."""
        net = nn.Sequential(nn.Flatten(), nn.Linear(784, 8), nn.BatchNorm1d(8), nn.Linear(8, 10))
        torch.jit.script(net).save(str(self.folder / "net.pt"))
        # Three steps of 2 x 16 and one example left over, which both workers take.
        flags = ("--data", "blobs", "--train-samples", 97, "--test-samples", 20, "--model", "net.pt",
                 "--workers", 2, "--threads", 1, "--batch-size", 16, "--epochs", 1)  # fmt: skip
        reason = ("net.pt: forward failed: Expected more than 1 value per channel when training, got "
                  "input size [1, 8]; it was given the last training batch of an epoch, "
                  "float32 [1, 1, 28, 28]; --tail drop leaves that batch out")  # fmt: skip
        keep = ("--tail", "keep", "--out", "deep/er/run")
        self.refuse(reason, "train", *flags, *keep)
        self.refuse(reason, "train", *flags, *keep, "--launch", "processes")
        self.refuse("ssgd+tail=keep: " + reason,
                    "compare", *flags, "--algorithms", "ssgd,ssgd+tail=keep")  # fmt: skip
        alone = [flag for flag in flags if flag not in ("--workers", 2)]
        self.refuse(reason, "train", *alone, *keep, "--quiet",
                    env={"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1",
                         "MASTER_PORT": str(free_port())})  # fmt: skip
        self.succeed("train", *flags, "--quiet", "--out", "deep/er/run")

        net[2].register_buffer("phases", torch.zeros(3, dtype=torch.complex64))
        torch.jit.script(net).save(str(self.folder / "net.pt"))
        self.refuse("net.pt: tensor 2.phases is complex64, which a safetensors file cannot hold: the "
                    "model could be neither saved nor resumed",
                    "train", *flags, "--out", "complex")  # fmt: skip


if __name__ == "__main__":
    unittest.main()
