"""A run folder of a loop of one's own, the program from Python, and the package beside PyTorch."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import torch
import valley

VALLEY = os.environ["VALLEY"]


class Folder(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="valley-python-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def record(self, out):
        def work(rank):
            net = torch.nn.Linear(3, 2)
            opt = valley.DPPF(torch.optim.SGD(net.parameters(), lr=0.1), period=2, push=0.2, total_steps=8)
            run = valley.run_folder(opt, out, data="random", model="line", steps_per_epoch=4, batch_size=5)
            generator = torch.Generator().manual_seed(rank)
            for step in range(8):
                loss = net(torch.randn(5, 3, generator=generator)).square().mean()
                opt.zero_grad()
                loss.backward()
                opt.step()
                if step % 4 == 3:
                    run.losses(loss)
                    with opt.average():
                        run.evaluation(train_loss=0.5, train_accuracy=0.75, test_loss=0.6, test_accuracy=0.5)
            opt.adopt_average()
            run.finish(save=net)
            return opt.valley_width, opt.bytes_sent

        return valley.run_threads(2, work)

    def test_the_program_reads_it(self):
        out = self.folder / "run"
        (width, sent), _ = self.record(out)
        records = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
        rounds = [r for r in records if "round" in r]
        self.assertEqual([r["step"] for r in rounds], [2, 4, 6, 8])
        for r in rounds:
            self.assertEqual(len(r["distances"]), 2)
            self.assertAlmostEqual(r["valley_width"], sum(r["distances"]) / 2)
            self.assertAlmostEqual(r["predicted_width"], 2.0)
        self.assertEqual(sum("loss" in r for r in records), 4)
        summary = json.loads((out / "summary.json").read_text())
        self.assertEqual((summary["status"], summary["steps"], summary["epochs"]), ("finished", 8, 2.0))
        self.assertEqual(summary["generalization_gap"], 0.25)
        self.assertEqual(summary["comm_bytes_per_worker"], sent)
        self.assertEqual(summary["valley_width"], width)
        self.assertIn('period = "2"\n', (out / "config.toml").read_text())
        self.assertEqual(set(torch.load(out / "state_dict.pt")), {"weight", "bias"})
        done = subprocess.run([VALLEY, "report", out], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("1 run, ", done.stdout)
        self.assertIn('"line"', (out / "report.html").read_text())

    def test_errors(self):
        self.record(self.folder / "run")
        opt = valley.DPPF(torch.optim.SGD(torch.nn.Linear(1, 1).parameters(), lr=0.1))
        with self.assertRaisesRegex(ValueError, "run already holds a run$"):
            valley.run_folder(opt, self.folder / "run")
        (self.folder / "file").write_text("")
        with self.assertRaisesRegex(ValueError, "Not a directory"):
            valley.run_folder(opt, self.folder / "file" / "run")
        run = valley.run_folder(opt, self.folder / "other")
        with self.assertRaisesRegex(ValueError, "unknown score 'tset_loss'; known: train_loss, train_acc"):
            run.evaluation(tset_loss=1)


class Program(unittest.TestCase):
    def test_train(self):
        with tempfile.TemporaryDirectory() as folder:
            tiny = {"data": "blobs", "train_samples": 200, "test-samples": 100, "model": "mlp-8-8", "threads": 1}
            summary = valley.train(tiny, out=f"{folder}/run", workers=2, algorithm="dppf", steps=4)
            self.assertEqual((summary["steps"], summary["workers"]), (4, 2))
            again = valley.train(f"{folder}/run/config.toml", out=f"{folder}/again")
            self.assertEqual(summary["train_loss"], again["train_loss"])
            with self.assertRaisesRegex(ValueError, r"^--pull must be in \(0, 1\], got 2"):
                valley.train(tiny, out=f"{folder}/other", pull=2)
            self.assertFalse(os.path.exists(f"{folder}/other"))

    def test_module(self):
        done = subprocess.run([sys.executable, "-m", "valley", "--version"], capture_output=True, text=True)
        self.assertEqual(done.stdout, f"valley {valley.__version__}\n")

    def test_another_pytorch(self):
        valley.pytorch.check()
        valley.pytorch.check("2.15.0+cpu", "2.15.1")
        with self.assertRaisesRegex(ImportError, r"^this valley was built for PyTorch 2\.15\.0, and PyTorch 2\.1\.0 is"):
            valley.pytorch.check("2.15.0", "2.1.0")


if __name__ == "__main__":
    unittest.main()
