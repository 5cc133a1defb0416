"""The program itself: what it answers without LibTorch, and how it becomes its engine for the rest."""

import os
import pathlib
import shutil
import subprocess
import unittest

from program import GOLDEN, TINY, VALLEY, ProgramTest, environment

# What needs no LibTorch, whose start alone takes half a second.
ANSWERS = [
    ["--version"],
    ["--help"],
    ["list"],
    ["topology", "ring", "--workers", "16"],
    ["report", str(GOLDEN / "runs" / "dppf"), "--out", "report.html"],
    ["train", "--help"],
    ["train", "--print-config"],
    ["train", "--print-config", "--config", str(GOLDEN / "runs" / "dppf" / "config.toml")],
]
REFUSALS = [
    ["trian"],
    ["train", "--pul", "1"],
    ["train", "--lr", "much"],
    ["train", "--push", "-1"],
    ["train", "--push", "1", "--algorithm", "local-sgd"],
    ["train", "--algorithm", "dpff"],
    ["train", "--model", "lenett"],
    ["train", "--model", "lenet", "--output", "logits"],
    ["train", "--data", "blob"],
    ["train", "--topology", "ringg", "--algorithm", "dpsgd"],
    ["train", "--backend", "gloo"],
    ["train", "--config", "missing.toml"],
    ["train", "--resume", "missing"],
    ["compare", "--algorithms", "dppf+pull=2"],
    ["compare", "--algorithms", "dppf", "--nesterov-outer", "1"],
    ["study", "recipe.toml", "--workers", "-1"],
    ["sharpness", "run", "--measures", "lamda-max"],
    ["sharpness", "run", "--rho", "0"],
    ["landscape", "run", "--plane", "plane"],
    ["landscape", "run", "--points", "1"],
    ["dynamics", "run", "--draws", "1"],
]


class Light(ProgramTest):
    def alone(self, *arguments):
        """The program without its engine."""
        program = self.folder / "alone" / "bin" / "valley"
        if not program.exists():
            program.parent.mkdir(parents=True)
            shutil.copy(VALLEY, program)
        return subprocess.run([program, *arguments], cwd=self.folder, env=environment(),
                              capture_output=True, text=True, timeout=60)  # fmt: skip

    def test_it_loads_no_libtorch(self):
        libraries = subprocess.run(["ldd", VALLEY], capture_output=True, text=True).stdout
        self.assertIn("libstdc++", libraries)
        self.assertNotRegex(libraries, "torch|c10|gloo")

    def test_it_answers_without_its_engine(self):
        for arguments in ANSWERS:
            with self.subTest(" ".join(arguments)):
                result = self.alone(*arguments)
                self.assertEqual((result.returncode, result.stderr), (0, ""))
                self.assertGreater(len(result.stdout), 10)

    def test_it_refuses_without_its_engine(self):
        for arguments in REFUSALS:
            with self.subTest(" ".join(arguments)):
                result = self.alone(*arguments)
                self.assertEqual((result.returncode, result.stdout), (2, ""), result.stderr)
                self.assertRegex(result.stderr, r"\Avalley: [^\n]+\n\Z")

    def test_a_missing_engine_is_named(self):
        result = self.alone("train", *TINY)
        self.assertEqual((result.returncode, result.stdout), (3, ""))
        engine = self.folder / "alone" / "libexec" / "valley" / "valley-engine"
        self.assertEqual(result.stderr, f"valley: cannot start {engine}, the part of this program that "
                                        "trains: No such file or directory\n")  # fmt: skip
        self.assertEqual(os.listdir(self.folder), ["alone"])


class Engine(ProgramTest):
    def test_a_configuration_from_a_pipe_is_read_once(self):
        for more in ([], ["--print-config"]):
            read, write = os.pipe()
            os.write(write, b"seed = 7\n")
            os.close(write)
            out = self.succeed("train", *TINY, "--epochs", "1", "--out", "run", "--quiet",
                               "--config", f"/dev/fd/{read}", *more, pass_fds=[read])  # fmt: skip
            os.close(read)
        self.assertIn("\nseed = 7\n", out)
        self.assertIn("\nseed = 7\n", (self.folder / "run" / "config.toml").read_text())

    def test_it_is_found_through_a_link(self):
        link = self.folder / "valley"
        link.symlink_to(VALLEY)
        result = subprocess.run([link, "train", *TINY, "--epochs", "1", "--out", "run", "--quiet"],
                                cwd=self.folder, env=environment(), capture_output=True, text=True)  # fmt: skip
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertTrue(pathlib.Path(self.folder, "run", "model.safetensors").exists())


if __name__ == "__main__":
    unittest.main()
