"""Hundreds of flipped bits in the files of real runs: none is trained on, none stops a resume."""

import random
import shutil
import subprocess
import sys
import unittest

from program import ProgramTest

RUN = ("train", "--data", "prototypes", "--train-samples", 400, "--test-samples", 100, "--batch-size",
       16, "--model", "mlp-8-8", "--algorithm", "dppf", "--workers", 2, "--threads", 1, "--steps", 12,
       "--checkpoint-every", 4, "--evaluate-every", 0, "--quiet")  # fmt: skip
FLIPS = 300

EXPORT = """
import torch
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(32, 16), torch.nn.ReLU(),
                          torch.nn.Linear(16, 10))
torch.jit.script(net).save("net.pt")
"""


def flip(path, source):
    """One bit anywhere in the file; where."""
    content = bytearray(path.read_bytes())
    bit = source.randrange(8 * len(content))
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)
    return f"bit {bit} of {path.name}"


class Damage(ProgramTest):
    def test_a_checkpoint(self):
        self.succeed(*RUN, "--out", "run")
        model = self.model("run")
        self.assertEqual(self.checkpoints("run"), [8, 12])
        (self.folder / "run/summary.json").unlink()
        source = random.Random(0)
        for turn in range(FLIPS):
            copy = self.folder / "copy"
            shutil.copytree(self.folder / "run", copy)
            files = sorted((copy / "checkpoints/step-00000012").iterdir())
            where = flip(source.choice(files), source)
            with self.subTest(turn=turn, where=where):
                code, _, err = self.run_valley("train", "--resume", "copy")
                self.assertEqual(code, 0, err)
                named = where.split(" of ")[1]
                self.assertIn(f"copy/checkpoints/step-00000012/{named} is ", err)
                self.assertIn("; set aside as copy/checkpoints/step-00000012.damaged\n", err)
                self.assertIn("\nresuming at step 8 of 12\n", err)
                self.assertEqual(self.model("copy"), model)
            shutil.rmtree(copy)

    def test_what_a_run_leaves(self):
        """model.safetensors and summary.json of a finished run, as an instrument reads them."""
        self.succeed(*RUN, "--out", "run")
        look = ("sharpness", "run", "--measures", "mean-valley", "--samples", 20, "--quiet")
        self.succeed(*look)
        source = random.Random(1)
        for turn in range(FLIPS // 3):
            path = self.folder / "run" / source.choice(("model.safetensors", "summary.json"))
            before = path.read_bytes()
            where = flip(path, source)
            with self.subTest(turn=turn, where=where):
                code, _, err = self.run_valley(*look)
                # Between the members of a JSON file a bit may turn a blank into another.
                if code != 0 or path.name != "summary.json":
                    self.assertEqual(code, 2, err)
                    self.assertRegex(err, rf"\Avalley: run/{path.name} is [^\n]*\n\Z")
            path.write_bytes(before)

    def test_a_script(self):
        """A flip is refused, or it was in no content: the training has the same bits."""
        subprocess.run([sys.executable, "-c", EXPORT], cwd=self.folder, check=True)
        flags = [*RUN]
        flags[flags.index("mlp-8-8")] = "net.pt"
        self.succeed(*flags, "--out", "reference")
        model = self.model("reference")
        source = random.Random(2)
        path = self.folder / "net.pt"
        whole = path.read_bytes()
        refused = 0
        for turn in range(FLIPS // 3):
            where = flip(path, source)
            with self.subTest(turn=turn, where=where):
                code, _, err = self.run_valley(*flags, "--out", f"run-{turn}")
                if code == 0:
                    self.assertEqual(self.model(f"run-{turn}"), model)
                else:
                    self.assertEqual(code, 2, err)
                    refused += 1
            path.write_bytes(whole)
        self.assertGreater(refused, 0)


if __name__ == "__main__":
    unittest.main()
