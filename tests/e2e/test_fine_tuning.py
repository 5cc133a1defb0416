"""Runs that begin with the weights of another, leave some of them alone, or go on longer than they were to."""

import json
import shutil
import unittest

from program import TINY, ProgramTest, read_json, with_flags

FLAGS = ("--algorithm", "local-sgd", "--lr-schedule", "constant", "--steps", 20)


class Init(ProgramTest):
    def tensors(self, out):
        """{name: bytes} of the model that a run left."""
        data = self.model(out)
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + length])
        del header["__metadata__"]
        return {name: data[8 + length :][slice(*entry["data_offsets"])] for name, entry in header.items()}

    def test_from_a_run_with_other_classes(self):
        points = [(x, y) for x in range(-12, 12) for y in range(-12, 12)]
        rows = [f"{x},{y},{('left' if x < 0 else 'low' if y < 0 else 'high')}" for x, y in points]
        (self.folder / "points.csv").write_text("x,y,place\n" + "\n".join(rows) + "\n")
        self.succeed("train", *with_flags(TINY, "--data", "table:points.csv"), *FLAGS, "--out", "first", "--quiet")
        said = self.run_valley("train", *with_flags(TINY, "--data", "xor"), *FLAGS, "--init", "first", "--freeze",
                               "fc1.*,fc2.*", "--out", "second")[2]  # fmt: skip
        self.assertRegex(said, rf"begins with 4 tensors of {self.folder}/first/model.safetensors, [0-9.]+ % of the parameters; new, for "
                               r"it has another shape: fc3.weight \[2, 64\], there \[3, 64\], fc3.bias \[2\], there \[3\]\n")  # fmt: skip
        first, second = self.tensors("first"), self.tensors("second")
        for name in first:
            self.assertEqual(first[name] == second[name], name.startswith(("fc1", "fc2")), name)
        self.assertEqual(self.summary("second")["parameters"], 64 * 2 + 2)
        record = read_json(self.folder / "second/init.json")
        self.assertEqual(record["init"], str(self.folder / "first/model.safetensors"))
        self.assertEqual(record["content"]["bytes"], (self.folder / "first/model.safetensors").stat().st_size)
        self.assertIn(f'init = "{self.folder}/first"', (self.folder / "second/config.toml").read_text())

    def test_resumed_without_the_file(self):
        self.made("first", "train", *TINY, *FLAGS)
        flags = (*FLAGS, "--seed", 3, "--init", "first/model.safetensors", "--checkpoint-every", 8, "--keep-checkpoints", 9)
        self.train("whole", *flags)
        self.train("run", *flags)
        (self.folder / "first/model.safetensors").unlink()
        self.break_off("run", 8)
        self.succeed("train", "--resume", "run", "--quiet")
        self.assertEqual(self.model("run"), self.model("whole"))
        (self.folder / "run/summary.json").unlink()
        shutil.rmtree(self.folder / "run/checkpoints")
        self.succeed("train", "--resume", "run", "--quiet")  # from the beginning
        self.assertEqual(self.model("run"), self.model("whole"))
        # Where it began an instrument still knows.
        self.succeed("sharpness", "run", "--measures", "pac-bayes", "--samples", 50, "--json")

    def test_processes_begin_alike(self):
        self.made("first", "train", *TINY, *FLAGS)
        for out, launch in (("threads", ()), ("processes", ("--launch", "processes"))):
            self.train(out, *FLAGS, "--init", "first", "--freeze", "fc1.*", *launch)
        self.assertEqual(self.tensors("threads"), self.tensors("processes"))

    def test_what_cannot_be(self):
        self.made("first", "train", *TINY, *FLAGS)
        train = ("train", *TINY, *FLAGS, "--out", "run")
        self.refuse("--init first/model.safetensors: nothing in it fits the model: its first tensor is fc1.weight [128, 784], "
                    "the model's first parameter fc1.weight [3, 2]",
                    "train", *with_flags(TINY, "--data", "xor", "--model", "mlp-3-4"), *FLAGS, "--init", "first")  # fmt: skip
        self.refuse("cannot read none: No such file or directory", *train, "--init", "none")
        self.refuse("--freeze: no parameter is called 'conv*'; there are fc1.weight, fc1.bias, fc2.weight, fc2.bias, "
                    "fc3.weight, fc3.bias", *train, "--freeze", "fc1.*,conv*")  # fmt: skip
        self.refuse("--freeze * leaves nothing to train", *train, "--freeze", "*")
        self.refuse("--accumulate must be at most --batch-size, 4, got 5", *train, "--batch-size", 4, "--accumulate", 5)
        self.refuse("--average must be plain, ema:BETA or last:K, got 'swa'", *train, "--average", "swa")
        self.refuse("--mixup is of classification, but the --task is regression", *train, "--mixup", 1, "--task", "regression")
        self.refuse("--erase cuts rectangles, and the inputs are 1 x 1", "train", *with_flags(TINY, "--data", "xor"), "--erase", 0.5)
        self.refuse("--optimizer-state is no option of ssgd, which reads --bucket-bytes, --wire", "train", *TINY, "--algorithm",
                    "ssgd", "--optimizer-state", "reset")  # fmt: skip


class Extend(ProgramTest):
    def test_a_finished_run_goes_on(self):
        for launch in (), ("--launch", "processes"):
            with self.subTest(launch=launch):
                out = "run" + "".join(launch)
                before = self.train(out, *FLAGS, *launch)
                whole = self.train("whole" + out, *FLAGS, "--steps", 30, *launch)
                self.succeed("train", "--resume", out, "--extend", "--steps", 30, "--quiet")
                self.assertEqual(self.model(out), self.model("whole" + out))
                self.assertEqual(self.summary(out)["steps"], whole["steps"])
                (entry,) = read_json(self.folder / out / "extended.json")["extensions"]
                self.assertEqual((entry["step"], entry["changed"]), (20, {"steps": {"from": 20, "to": 30}}))
                self.assertEqual(entry["summary"], before)
                self.assertIn("steps = 30\n", (self.folder / out / "config.toml").read_text())

    def test_another_rate_from_where_it_is(self):
        self.train("run", *FLAGS)
        self.succeed("train", "--resume", "run", "--extend", "--steps", 30, "--lr", 0.001, "--lr-schedule", "cosine", "--quiet")
        rates = {record["step"]: record["lr"] for record in self.metrics("run") if record.get("worker") == 0}
        self.assertEqual(rates[20], 0.03)
        self.assertLess(rates[30], 0.001)

    def test_what_cannot_be(self):
        self.train("run", *FLAGS)
        config = (self.folder / "run/config.toml").read_text()
        resume = ("train", "--resume", "run", "--extend")
        self.refuse("run has done 20 steps, and --extend asks for 20: --steps must be larger", *resume, "--lr", 0.1)
        self.refuse("--push cannot change in a run that is resumed and extended; for a new run: valley train --config "
                    "run/config.toml --push ... --out FOLDER", *resume, "--push", 3, "--steps", 30)  # fmt: skip
        self.refuse("--workers cannot change together with --extend: steps are counted by them", *resume, "--workers", 3,
                    "--steps", 30)  # fmt: skip
        self.refuse("--steps cannot change in a run that is resumed without --extend; for a new run: valley train --config "
                    "run/config.toml --steps ... --out FOLDER", "train", "--resume", "run", "--steps", 30)  # fmt: skip
        self.refuse("--extend needs --resume FOLDER, the run to go on with", "train", *TINY, "--extend")
        self.assertEqual((self.folder / "run/config.toml").read_text(), config)
        self.assertEqual(self.summary("run")["status"], "finished")


if __name__ == "__main__":
    unittest.main()
