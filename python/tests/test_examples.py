"""The example scripts: a few steps of each, by workers that are processes, and one under torchrun."""

import importlib
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import processes

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "examples" / "python"
sys.path.insert(0, str(FOLDER))

ARGUMENTS = {
    "mnist": ["--samples", "512", "--epochs", "1"],
    "language_model": ["--epochs", "1"],
    "resnet": ["--samples", "24", "--batch-size", "4"],
    "dcgan": ["--samples", "512"],
}


class Examples(unittest.TestCase):
    def arguments(self, name):
        if name == "language_model":
            return [*ARGUMENTS[name], "--text", str(FOLDER.parents[1] / "docs" / "running.md")]
        return ARGUMENTS[name]

    def test_every_script_is_tried(self):
        scripts = {p.stem for p in FOLDER.glob("*.py")} - {"common"}
        self.assertEqual(scripts, set(ARGUMENTS))

    def test_three_lines_make_a_script_one_of_many_workers(self):
        for name in ARGUMENTS:
            lines = (FOLDER / f"{name}.py").read_text().splitlines()
            self.assertEqual(sum(line.endswith("# valley") for line in lines), 3, name)

    def test_a_few_steps_of_each(self):
        for name in ARGUMENTS:
            with self.subTest(name):
                if name == "resnet" and importlib.util.find_spec("torchvision") is None:
                    print("SKIPPED: the example resnet.py needs torchvision (scripts/setup.sh --slow)")
                    continue

                def work(rank):
                    return importlib.import_module(name).main(self.arguments(name))

                results = processes.run(2, work, start_group=False)
                for result in results:
                    self.assertIsInstance(result, float, result)
                    self.assertTrue(math.isfinite(result))
                if name != "dcgan":  # which looks at each worker's own
                    self.assertEqual(results[0], results[1])

    def test_under_torchrun(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2",
                 "--master_port", str(processes.free_port()),
                 "-r", "1", "-t", "1",  # Debian 12's, under its Python 3.11, fails without
                 FOLDER / "mnist.py", *ARGUMENTS["mnist"]],
                capture_output=True, text=True, cwd=folder, timeout=240,
                env=os.environ | {"OMP_NUM_THREADS": "1"},
            )  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)epoch 1: loss [0-9.]+, accuracy [0-9.]+ %$")
        self.assertEqual(done.stdout.count("epoch 1"), 1)


if __name__ == "__main__":
    unittest.main()
