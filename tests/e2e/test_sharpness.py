"""valley sharpness: what it measures of finished runs, and what it refuses."""

import gzip
import json
import math
import shutil
import struct
import subprocess
import unittest

from program import FASHION, TINY, ProgramTest, read_json

FEW = ("--samples", 40, "--draws", 2, "--lanczos", 4)

# lambda_max by power iteration, with PyTorch's own networks and derivatives: nothing of Valley but
# the file it left.
POWER_ITERATION = """
import gzip, json, struct, sys
import numpy as np
import torch
from torch import nn
torch.set_num_threads(1)
def load_safetensors(path):
    raw = open(path, "rb").read()
    length = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + length])
    data = raw[8 + length:]
    return {name: torch.tensor(np.frombuffer(data[slice(*t["data_offsets"])], "<f4")).view(t["shape"])
            for name, t in header.items() if name != "__metadata__"}
class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 16, 5, padding=2), nn.Conv2d(16, 32, 5)
        self.fc1, self.fc2 = nn.Linear(800, 64), nn.Linear(64, 10)
    def forward(self, x):
        x = nn.functional.max_pool2d(self.conv1(x).relu(), 2)
        x = nn.functional.max_pool2d(self.conv2(x).relu(), 2)
        return self.fc2(self.fc1(x.flatten(1)).relu())
net = LeNet()
net.load_state_dict(load_safetensors("run/model.safetensors"))
net = net.double()
images = np.frombuffer(gzip.open("data/train-images-idx3-ubyte.gz").read()[16:], "u1") / 255
labels = np.frombuffer(gzip.open("data/train-labels-idx1-ubyte.gz").read()[8:], "u1")
x = torch.tensor((images - images.mean()) / images.std()).view(-1, 1, 28, 28)
loss = nn.functional.cross_entropy(net(x), torch.tensor(labels.astype("i8")))
parameters = list(net.parameters())
gradient = torch.autograd.grad(loss, parameters, create_graph=True)
torch.manual_seed(0)
v = [torch.randn_like(p) for p in parameters]
value = 0
for _ in range(200):
    norm = sum((a * a).sum() for a in v).sqrt()
    v = [a / norm for a in v]
    hv = torch.autograd.grad(gradient, parameters, v, retain_graph=True)
    value, before = sum((a * b).sum() for a, b in zip(v, hv)).item(), value
    if abs(value - before) < 1e-5 * abs(value):
        break
    v = hv
print(json.dumps({"loss": loss.item(), "lambda_max": value,
                  "gradient": sum((g * g).sum() for g in gradient).sqrt().item()}))
"""


class Sharpness(ProgramTest):
    def sharpness(self, *arguments):
        return json.loads(self.succeed("sharpness", *arguments, "--json", "--quiet"))["runs"]

    def names_of_measures(self):
        return [row.split()[0] for row in self.succeed("list", "measures").splitlines()[2:]]

    def test_every_measure(self):
        self.trained("a", "--algorithm", "dppf", "--push", 0.2, "--steps", 40)
        text = self.succeed("sharpness", "a", *FEW, "--quiet")
        lines = text.splitlines()
        self.assertRegex(lines[0], r"\Ameasure +a  sharper if\Z")
        names = self.names_of_measures()
        self.assertEqual([line.split()[0] for line in lines[4:4 + len(names)]], names)
        self.assertIn("a: 40 of 200 training examples, seed 0, ", text)
        self.assertTrue(text.endswith("\nwritten to a/sharpness.json\n"))

        result = read_json(self.folder / "a" / "sharpness.json")
        self.assertEqual((result["run"], result["examples"], result["training_examples"]),
                         ("a", 40, 200))
        self.assertEqual(list(result["measures"]), names)
        for name, measure in result["measures"].items():
            with self.subTest(name):
                self.assertTrue(math.isfinite(measure["value"]))
                if "standard_error" in measure:
                    self.assertEqual(measure["seed"], 0)

        # The same numbers once more, and on another number of threads up to rounding.
        some = ["average-direction", "gradient-norm", "lpf", "trace", "fisher-rao"]

        def values(*flags):
            (run,) = self.sharpness("a", "--samples", 100, "--draws", 2, *flags, "--measures",
                                    ",".join(some))
            return {name: m["value"] for name, m in run["measures"].items()}

        two = values("--workers", 2)
        self.assertEqual(two, values("--workers", 2))
        one = values("--workers", 1)
        self.assertEqual(list(one), some)
        for name in some:
            self.assertAlmostEqual(one[name] / two[name], 1, 2, name)
        other = values("--seed", 1)
        self.assertNotEqual(one["lpf"], other["lpf"])

        # On all examples the loss is that of the summary.
        (run,) = self.sharpness("a", "--samples", 0, "--measures", "entropy")
        summary = self.summary("a")
        self.assertAlmostEqual(run["loss"], summary["train_loss"], 5)
        self.assertEqual(run["accuracy"], summary["train_accuracy"])
        self.assertEqual(list(run["measures"]), ["entropy"])

    def test_mean_valley(self):
        self.trained("a", "--algorithm", "dppf", "--push", 0.2, "--steps", 40)

        def mean_valley(*flags):
            (run,) = self.sharpness("a", *FEW, "--measures", "mean-valley", *flags)
            return run["measures"]["mean-valley"]

        two, four = mean_valley(), mean_valley("--kappa", 4)
        self.assertLess(two["mean_valley"], four["mean_valley"])
        self.assertAlmostEqual(two["value"] * two["mean_valley"], 1)
        self.assertEqual(len(two["distances"]), 2)
        walked = mean_valley("--search", "step", "--step", 0.01)
        for walk, bisected in zip(walked["distances"], two["distances"]):
            self.assertLessEqual(walk - 0.011, bisected * 1.001)
        self.assertEqual(mean_valley("--normalise")["all_crossed"], True)
        self.trained("b", "--algorithm", "dppf", "--push", 0.2, "--steps", 40, "--seed", 7)
        self.assertAlmostEqual(mean_valley("--along", "a")["value"] / two["value"], 1, 2)
        self.assertNotAlmostEqual(mean_valley("--along", "b")["value"] / two["value"], 1, 3)
        self.trained("c", "--model", "mlp-8-8", "--steps", 4)
        code, _, err = self.run_valley("sharpness", "a", *FEW, "--along", "c")
        self.assertEqual(code, 2)
        self.assertRegex(err, r"\Avalley: --along c: its network has \d+ parameters, that of a \d+\n\Z")
        far = mean_valley("--kappa", 1e30)
        self.assertEqual(far["distances"], [None, None])
        self.assertEqual(far["note"], "not crossed up to distance 10000 towards worker 0, 1: "
                                      "the true value is smaller")

    def test_batch_norm(self):
        self.succeed("train", "--data", "blobs", "--train-samples", 48, "--test-samples", 10,
                     "--model", "resnet-8", "--workers", 2, "--steps", 2, "--batch-size", 4,
                     "--threads", 1, "--quiet", "--out", "bn")  # fmt: skip
        flags = ("--measures", "lpf", "--draws", 2, "--samples", 8)
        (average,) = self.sharpness("bn", *flags)
        (probe,) = self.sharpness("bn", *flags, "--batch-norm", "probe")
        self.assertNotEqual(average["measures"]["lpf"]["value"], probe["measures"]["lpf"]["value"])

    def test_several_runs(self):
        flags = ("--algorithms", "dppf,ssgd", "--seeds", "0", "--steps", 6, "--quiet")
        self.succeed("compare", *TINY, *flags, "--out", "cmp")
        text = self.succeed("sharpness", "cmp", *FEW, "--quiet")
        self.assertRegex(text, r"\Ameasure +dppf-seed0 +ssgd-seed0  sharper if\n")
        self.assertRegex(text, r"\nmean-valley +[\d.]+ +-  larger\n")
        self.assertIn("\n  mean-valley: needs workers that differ, at least one is at the average\n",
                      text)
        self.assertIn("\nwritten to sharpness.json in every run folder\n", text)
        self.assertTrue((self.folder / "cmp/ssgd-seed0/sharpness.json").exists())
        (self.folder / "cmp/ssgd-seed0/sharpness.json").unlink()
        out = self.succeed("sharpness", "cmp/ssgd-seed0/", *FEW, "--quiet", "--out", "all.json")
        self.assertTrue(out.endswith("\nwritten to all.json\n"))
        self.assertFalse((self.folder / "cmp/ssgd-seed0/sharpness.json").exists())
        self.assertEqual(len(read_json(self.folder / "all.json")["runs"]), 1)
        code, out, err = self.run_valley("sharpness", "cmp", *FEW, "--measures", "entropy")
        self.assertEqual(code, 0)
        self.assertRegex(err, r"\Acmp/dppf-seed0\nstep 1/1")

        # What was asked for by name is measured where it can be, and a note says why not elsewhere.
        named = ("--measures", "mean-valley,entropy")
        text = self.succeed("sharpness", "cmp", *FEW, *named, "--quiet")
        self.assertRegex(text, r"\nmean-valley +[\d.]+ +-  larger\n")
        lacks = "needs workers that differ, at least one is at the average"
        self.assertRegex(text, rf"\nssgd-seed0: .*\n  mean-valley: {lacks}\n")
        (both, one) = self.sharpness("cmp/dppf-seed0", "cmp/ssgd-seed0", *FEW, *named)
        self.assertGreater(both["measures"]["mean-valley"]["value"], 0)
        self.assertEqual(one["measures"]["mean-valley"]["value"], None)
        self.assertEqual(one["measures"]["mean-valley"]["note"], lacks)
        self.assertGreater(one["measures"]["entropy"]["value"], 0)
        shutil.copytree(self.folder / "cmp/ssgd-seed0", self.folder / "other")
        self.refuse(f"cmp/ssgd-seed0: mean-valley {lacks}; no other run has it either",
                    "sharpness", "cmp/ssgd-seed0", "other", *FEW, *named, "--quiet")  # fmt: skip

    def test_against_power_iteration(self):
        (self.folder / "data").mkdir()
        for name, head, size in [("images-idx3", 16, 784), ("labels-idx1", 8, 1)]:
            for part, new in [("train", "train"), ("t10k", "t10k")]:
                file = f"{part}-{name}-ubyte.gz"
                raw = gzip.open(FASHION / file).read()
                cut = raw[:4] + struct.pack(">I", 60) + raw[8:head + 60 * size]
                (self.folder / "data" / file).write_bytes(gzip.compress(cut, 1))
        self.succeed("train", "--data", "mnist:data", "--model", "lenet", "--algorithm",
                     "local-sgd", "--workers", 2, "--batch-size", 10, "--epochs", 6, "--threads", 1,
                     "--quiet", "--out", "run")  # fmt: skip
        (run,) = self.sharpness("run", "--samples", 0, "--measures", "lambda-max,gradient-norm")
        got = subprocess.run(["/usr/bin/python3", "-W", "ignore", "-c", POWER_ITERATION],
                             cwd=self.folder, check=True, capture_output=True, text=True).stdout
        expected = json.loads(got)
        measures = run["measures"]
        self.assertAlmostEqual(run["loss"] / expected["loss"], 1, 4)
        self.assertAlmostEqual(measures["gradient-norm"]["value"] / expected["gradient"], 1, 3)
        self.assertTrue(measures["lambda-max"]["converged"])
        self.assertLess(abs(measures["lambda-max"]["value"] / expected["lambda_max"] - 1), 0.01)

    def test_memory(self):
        self.trained("a", "--steps", 4)
        (run,) = self.sharpness("a", "--measures", "lambda-max", "--memory", 1e-3, "--samples", 20)
        measure = run["measures"]["lambda-max"]
        self.assertEqual(measure["lanczos_steps"], 2)
        self.assertRegex(measure["note"], r"\A2 of 60 Lanczos vectors: more do not fit into ")

    def test_one_worker(self):
        self.succeed("train", *TINY[:-4], "--workers", 1, "--algorithm", "ssgd", "--steps", 4,
                     "--quiet", "--out", "one")  # fmt: skip
        text = self.succeed("sharpness", "one", *FEW, "--quiet")
        self.assertRegex(text, r"\nmean-valley +-  larger\n")
        self.assertIn("\n  mean-valley: needs two workers, the run has one\n", text)
        (self.folder / "one/sharpness.json").unlink()
        self.refuse("one: mean-valley needs two workers, the run has one", "sharpness", "one", *FEW,
                    "--quiet", "--measures", "mean-valley")  # fmt: skip

    def test_refused(self):
        self.trained("a", "--steps", 4)
        known = ", ".join(self.names_of_measures())
        for message, *flags in [
            ("give the folders of finished runs",),
            ("b is no run folder: there is no such folder", "b"),
            ("a/checkpoints is no run folder: config.toml is missing", "a/checkpoints"),
            ("a/ is given twice", "a", "a/"),
            (f"unknown measure 'lpff'; did you mean 'lpf'? known: {known}",
             "a", "--measures", "lpff"),
            ("--measures has lpf twice", "a", "--measures", "lpf,lpf"),
            ("--kappa must be greater than 1, got 1", "a", "--kappa", 1),
            ("unknown --search 'bisekt'; did you mean 'bisect'? known: bisect, step",
             "a", "--search", "bisekt"),
            ("unknown --batch-norm 'all'; known: average, probe", "a", "--batch-norm", "all"),
            ("--samples must be at least 0, got -1", "a", "--samples=-1"),
            ("--samples must be a whole number, got 'x'", "a", "--samples", "x"),
            ("--draws must be at least 2, got 1", "a", "--draws", 1),
            ("--seed must be at least 0, got -1", "a", "--seed=-1"),
            ("--workers must be in [0, 1024], got -1", "a", "--workers=-1"),
            ("--lanczos must be at least 2, got 1", "a", "--lanczos", 1),
            ("--memory must be above 0, got 0", "a", "--memory", 0),
            ("--step must be in (0, 10000], got 0", "a", "--step", 0),
            ("--rho must be greater than 0, got 0", "a", "--rho", 0),
            ("--out no/x.json: there is no folder no", "a", "--out", "no/x.json"),
        ]:  # fmt: skip
            with self.subTest(message):
                self.refuse(message, "sharpness", *flags)

    def test_measures_of_one_file_have_one_set_of_options(self):
        self.trained("r/a", "--steps", 4)
        file = self.folder / "r" / "a" / "sharpness.json"
        measured = lambda: sorted(read_json(file)["measures"])  # noqa: E731
        flags = ("sharpness", "r/a", "--samples", 20, "--quiet", "--measures")
        self.succeed(*flags, "lpf")
        table = self.succeed(*flags, "entropy")
        self.assertNotIn("lpf", table)
        self.assertEqual(measured(), ["entropy", "lpf"])
        self.succeed(*flags, "entropy", "--draws", 3)
        self.assertEqual(measured(), ["entropy"])
        file.write_text("{")
        self.succeed(*flags, "lpf")
        self.assertEqual(measured(), ["lpf"])

    def test_a_folder_stands_for_its_finished_runs(self):
        self.trained("r/a", "--steps", 4)
        for name in "bc":
            shutil.copytree(self.folder / "r/a", self.folder / "r" / name)
        (self.folder / "r" / "b" / "summary.json").unlink()
        flags = ("sharpness", "r", "--samples", 20, "--measures", "entropy", "--quiet")
        code, table, err = self.run_valley(*flags)
        self.assertEqual((code, err), (0, "left out: r/b is broken off\n"))
        self.assertRegex(table.splitlines()[0], r"\Ameasure +a +c +sharper if")
        for name in "ac":
            (self.folder / "r" / name / "summary.json").unlink()
        self.refuse("r/a is not finished, it broke off: killed, or something failed; valley train "
                    "--resume r/a goes on from step 4", *flags)  # fmt: skip

    def test_not_finished(self):
        self.trained("a", "--steps", 4)
        path = self.folder / "a" / "summary.json"
        summary = read_json(path)
        path.write_text(json.dumps(summary | {"status": "interrupted"}))
        self.refuse("a is not finished, it was interrupted after step 4; valley train --resume a "
                    "goes on", "sharpness", "a")  # fmt: skip
        path.unlink()
        self.refuse("a is not finished, it broke off: killed, or something failed; valley train "
                    "--resume a goes on from step 4", "sharpness", "a")  # fmt: skip

    def test_damaged_summary(self):
        """Who reads it says what to do, and that helps: the checkpoint of the last step is there."""
        before, model = self.trained("r/a", "--steps", 4), self.model("r/a")
        shutil.copytree(self.folder / "r/a", self.folder / "r/b")
        path = self.folder / "r" / "a" / "summary.json"
        path.write_text(path.read_text()[:100])
        damage = "r/a/summary.json is not JSON: it breaks at byte 101 of 100"
        remedy = "valley train --resume r/a writes it anew from the last checkpoint"
        few = ("--samples", 20, "--measures", "entropy", "--quiet")
        self.refuse(f"{damage}; {remedy}", "sharpness", "r/a", *few)
        code, _, err = self.run_valley("sharpness", "r", *few)
        self.assertEqual((code, err), (0, f"left out: {damage}; {remedy}\n"))
        self.succeed("report", "r", "--out", "r.html")
        self.assertIn(f"a has no result that can be read: {damage}; {remedy}.",
                      (self.folder / "r.html").read_text())  # fmt: skip
        code, _, err = self.run_valley("train", "--resume", "r/a")
        self.assertEqual(code, 0, err)
        self.assertTrue(err.startswith(f"{damage}; it is written anew\n"), err)
        after = self.summary("r/a")
        for key in ("status", "steps", "train_loss", "test_loss", "valley_width", "rounds"):
            self.assertEqual(after[key], before[key], key)
        self.assertEqual(self.model("r/a"), model)
        self.succeed("sharpness", "r/a", *few)

    def test_diverged(self):
        self.trained("a", "--steps", 4)
        path = self.folder / "a" / "model.safetensors"
        raw = path.read_bytes()
        length = struct.unpack("<Q", raw[:8])[0]
        # Without its checksum the file claims nothing.
        header = json.loads(raw[8 : 8 + length])
        del header["__metadata__"]["crc32c"]
        raw = raw[:8] + json.dumps(header, separators=(",", ":")).encode().ljust(length) + raw[8 + length :]
        self.assertEqual(len(raw), path.stat().st_size)
        for number, message in [
            (float("nan"), "a: the weights of the average are not finite, it diverged"),
            (3e38, "a: the loss of the average is nan, it diverged"),
        ]:
            values = struct.pack("<f", number) * ((len(raw) - 8 - length) // 4)
            path.write_bytes(raw[:8 + length] + values)
            self.refuse(message, "sharpness", "a", "--quiet")


if __name__ == "__main__":
    unittest.main()
