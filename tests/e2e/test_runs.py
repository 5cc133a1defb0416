"""What a run leaves behind, what it shows, and that it can be repeated."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
import tomllib
import unittest
import xml.etree.ElementTree

from program import TIMEOUT, TINY, VALLEY, ProgramTest, environment, with_flags

SUMMARY_KEYS = """status algorithm model data workers backend seed parameters steps epochs train_loss
    train_accuracy test_loss test_accuracy generalization_gap verdict first_loss chance_accuracy valley_width
    predicted_width rounds
    comm_bytes_per_worker comm_fraction_of_ssgd seconds probes samples_per_second peak_rss_bytes
    version""".split()  # fmt: skip
SECONDS_KEYS = ["compute", "communicate", "wait", "data", "evaluate", "probe", "total"]


class RunFolder(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # One run for all tests of this class.
        cls.shared = ProgramTest()
        cls.addClassCleanup(cls.shared.doCleanups)
        cls.shared.setUp()
        cls.shared.train("run", "--steps", 12, "--period", 4, "--checkpoint-every", 5)

    def setUp(self):
        self.folder = self.shared.folder

    def test_files(self):
        names = {path.name for path in (self.folder / "run").iterdir()}
        events = {name for name in names if name.startswith("events.out.tfevents.")}
        self.assertEqual(len(events), 1)
        self.assertEqual(names - events, {
            "config.toml", "metrics.jsonl", "summary.json", "trace.json", "curves.svg",
            "checkpoints", "model.safetensors"})  # fmt: skip
        self.assertEqual(self.checkpoints("run"), [10, 12])  # --keep-checkpoints is 2
        for step in ("step-00000010", "step-00000012"):
            files = {p.name for p in (self.folder / "run" / "checkpoints" / step).iterdir()}
            self.assertEqual(files, {"manifest.json", "worker-0.safetensors",
                                     "worker-1.safetensors"})  # fmt: skip

    def test_summary(self):
        summary = self.summary("run")
        self.assertEqual(list(summary), SUMMARY_KEYS)
        self.assertEqual(list(summary["seconds"]), SECONDS_KEYS)
        expected = {
            "status": "finished", "algorithm": "dppf", "model": "mlp", "data": "blobs",
            "workers": 2, "backend": "thread", "seed": 0, "steps": 12, "rounds": 3,
            "predicted_width": 5.0,
        }  # fmt: skip
        self.assertEqual({key: summary[key] for key in expected}, expected)
        d = 784 * 128 + 128 + 128 * 64 + 64 + 64 * 10 + 10
        self.assertEqual(summary["parameters"], d)
        self.assertAlmostEqual(summary["epochs"], 12 / 3)  # 200 // (2 * 32) steps an epoch
        self.assertAlmostEqual(summary["generalization_gap"],
                               summary["train_accuracy"] - summary["test_accuracy"])  # fmt: skip
        self.assertEqual(summary["comm_fraction_of_ssgd"],
                         summary["comm_bytes_per_worker"] / (12 * 4 * d))  # fmt: skip
        self.assertLessEqual(sum(summary["seconds"][key] for key in SECONDS_KEYS[:-1]),
                             summary["seconds"]["total"] * 1.01)  # fmt: skip

    def test_metrics(self):
        records = self.metrics("run")
        self.assertEqual([r["step"] for r in records], sorted(r["step"] for r in records))
        for worker in (0, 1):
            losses = [r for r in records if r["worker"] == worker]
            self.assertEqual([r["step"] for r in losses], [3, 6, 9, 12])
            self.assertTrue(all({"epoch", "loss", "lr"} <= set(r) for r in losses))
        rounds = [r for r in records if "round" in r]
        self.assertEqual([(r["round"], r["step"]) for r in rounds], [(1, 4), (2, 8), (3, 12)])
        for r in rounds:
            self.assertEqual(len(r["distances"]), 2)
            self.assertAlmostEqual(r["valley_width"], sum(r["distances"]) / 2, places=6)
        last = [r for r in records if "test_accuracy" in r][-1]
        for key in ("train_loss", "test_loss", "test_accuracy", "valley_width"):
            self.assertEqual(last[key], self.summary("run")[key])

    def test_trace(self):
        events = json.loads((self.folder / "run" / "trace.json").read_text())["traceEvents"]
        done = [event for event in events if event["ph"] == "X"]
        self.assertEqual({event["pid"] for event in done}, {0, 1})
        for pid in (0, 1):
            phases = {event["name"] for event in done if event["pid"] == pid}
            self.assertLessEqual({"data", "compute", "communicate", "wait", "evaluate"}, phases)
        self.assertTrue(all(event["dur"] >= 0 and event["ts"] >= 0 for event in done))

    def test_curves(self):
        root = xml.etree.ElementTree.parse(self.folder / "run" / "curves.svg").getroot()
        self.assertTrue(root.tag.endswith("svg"))

    def test_tensorboard_records_are_whole(self):
        (path,) = (self.folder / "run").glob("events.out.tfevents.*")
        data, records = path.read_bytes(), 0
        while data:
            (size,) = struct.unpack("<Q", data[:8])
            self.assertGreaterEqual(len(data), 16 + size)
            data = data[16 + size :]
            records += 1
        self.assertGreater(records, 5)

    def test_config(self):
        self.succeed("train", "--config", "run/config.toml", "--out", "again", "--quiet")
        self.assertEqual(self.model("again"), self.model("run"))

    def test_finished_run_stays_as_it_is(self):
        files = ("model.safetensors", "summary.json", "metrics.jsonl", "config.toml")
        before = [(self.folder / "run" / name).read_bytes() for name in files]
        code, out, err = self.run_valley("train", "--resume", "run", "--workers", 3)
        self.assertEqual((code, err), (0, "run is finished already\n"))
        self.assertIn("test accuracy", out)
        self.assertEqual([(self.folder / "run" / name).read_bytes() for name in files], before)


class Verdict(ProgramTest):
    def test_a_run_that_ends_worse_than_it_began_says_so(self):
        flags = (*TINY, "--steps", 6)
        self.assertEqual(self.train("good", "--steps", 6, "--seed", 1)["verdict"], "learned")
        out = self.succeed("train", *flags, "--seed", 1, "--lr", 3, "--out", "bad")  # and exits with 0
        summary = self.summary("bad")
        self.assertEqual((summary["status"], summary["verdict"]), ("finished", "worse"))
        self.assertGreater(summary["train_loss"], summary["first_loss"])
        words = (f"training ended worse than it began: training loss {summary['train_loss']:.4g}, "
                 f"in the first batches {summary['first_loss']:.4g}")  # fmt: skip
        self.assertIn(f"\ncaution: {words}\n", out)
        out = self.succeed("compare", *flags, "--algorithms", "dppf,dppf+lr=3", "--seeds", 1, "--quiet",
                           "--out", "cmp")  # fmt: skip
        self.assertIn(f"\ncaution: dppf+lr=3, seed 1: {words}\n", out)
        self.assertEqual(out.count("caution"), 1)
        self.succeed("report", "good", "bad", "--out", "report.html")
        page = (self.folder / "report.html").read_text()
        self.assertIn(f"bad: {words}.", page)
        self.assertNotIn("good: training", page)


class Settings(ProgramTest):
    def test_print_config_round_trip(self):
        flags = ("--pull", 0.3, "--flip", "--model", "resnet-8", "--period", "qsr:2:0.125",
                 "--out", 'a "quoted" out', "--lr", 1e-05)  # fmt: skip
        first = self.succeed("train", "--print-config", *flags)
        (self.folder / "run.toml").write_text(first)
        self.assertEqual(self.succeed("train", "--print-config", "--config", "run.toml"), first)
        for line in ("pull = 0.3", "flip = true", 'model = "resnet-8"', 'period = "qsr:2:0.125"',
                     'out = "a \\"quoted\\" out"', "lr = 1e-05"):  # fmt: skip
            self.assertIn(line + "\n", first)

    def test_flags_win_over_the_file(self):
        (self.folder / "run.toml").write_text("pull = 0.3\nworkers = 7\nperiod = 9\nlr = 1\n")
        text = self.succeed("train", "--config", "run.toml", "--workers", 3, "--print-config")
        for line in ("pull = 0.3", "workers = 3", 'period = "9"', "lr = 1.0", "push = 0.5"):
            self.assertIn(line + "\n", text)

    def test_momentum_is_the_methods_own(self):
        for flags, momentum in ((("--algorithm", "qg-dsgdm"), 0.0), ((), 0.9), (("--momentum", 0.5), 0.5)):
            text = self.succeed("train", "--print-config", *flags)
            self.assertIn(f"\nmomentum = {momentum}\n", text)

    def test_settings_that_came_later(self):
        text = self.succeed("train", "--print-config", "--algorithm", "choco", "--topology", "complete")
        self.assertIn('replicas = "initial"\n', text)
        flags = ("--algorithm", "choco", "--steps", 3)
        self.train("a", *flags)
        self.train("b", *flags, "--replicas", "zero")
        self.assertNotIn("replicas", (self.folder / "a/config.toml").read_text())
        self.assertIn('replicas = "zero"\n', (self.folder / "b/config.toml").read_text())
        self.succeed("train", "--resume", "a", "--quiet")
        self.refuse("--replicas cannot change in a run that is resumed; for a new run: valley train "
                    "--config a/config.toml --replicas ... --out FOLDER",
                    "train", "--resume", "a", "--replicas", "zero")  # fmt: skip

    def test_folder_of_its_own(self):
        for out in ("runs/dppf-mlp-seed0", "runs/dppf-mlp-seed0-2"):
            self.succeed("train", *TINY, "--steps", 1, "--quiet")
            self.assertEqual(self.summary(out)["status"], "finished")

    def test_list(self):
        text = self.succeed("list")
        for name in ("ssgd", "local-sgd", "dppf", "lenet", "resnet-D", "fashion-mnist", "spirals"):
            self.assertRegex(text, rf"(?m)^{name} ")
        self.assertNotIn("lenet", self.succeed("list", "algorithms"))

    def test_help(self):
        text = self.succeed("train", "--help")
        for part in ("--pull FLOAT", self.names("algorithms"), self.names("models"), " [",
                     "\nWorkers:\n", "valley train --resume"):  # fmt: skip
            self.assertIn(part, text)
        self.assertRegex(self.succeed("--version"), r"\Avalley \d+\.\d+\.\d+\n\Z")
        self.assertIn("Exit codes:", self.succeed("--help"))


class Display(ProgramTest):
    def test_pipe(self):
        code, out, err = self.run_valley("train", *TINY, "--steps", 6, "--out", "run")
        self.assertEqual(code, 0, err)
        lines = err.splitlines()
        self.assertEqual(len(lines), 2)  # one an epoch
        self.assertRegex(lines[0], r"\Astep 3/6  epoch 1\.0  loss \d+\.\d{4}  acc \d+\.\d %  ")
        self.assertNotRegex(err, r"[\r\x1b]")
        self.assertRegex(out, r"(?m)^test accuracy +\d+\.\d\d %$")
        self.assertIn("written to run: model.safetensors", out)

    def test_json(self):
        code, out, err = self.run_valley("train", *TINY, "--steps", 2, "--out", "run", "--json")
        self.assertEqual(code, 0, err)
        self.assertEqual(json.loads(out), self.summary("run"))
        code, out, err = self.run_valley("train", *TINY, "--steps", 2, "--json", "--quiet")
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(list(json.loads(out)), SUMMARY_KEYS)

    def test_full_device(self):
        with open("/dev/full", "w") as full:
            result = subprocess.run([VALLEY, "list"], stdout=full, stderr=subprocess.PIPE, text=True,
                                    timeout=TIMEOUT)  # fmt: skip
        self.assertEqual((result.returncode, result.stderr),
                         (3, "valley: cannot write to the standard output\n"))  # fmt: skip

    def on_a_terminal(self, *arguments):
        """(process, its terminal): stdout and stderr are one."""
        terminal, side = pty.openpty()
        self.addCleanup(os.close, terminal)
        process = subprocess.Popen(
            [VALLEY, *map(str, arguments)], cwd=self.folder, env=environment(TERM="xterm"),
            stdin=side, stdout=side, stderr=side, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # its own, for Control-C
        )  # fmt: skip
        os.close(side)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process, terminal

    def read_all(self, terminal):
        text = b""
        try:
            while chunk := os.read(terminal, 4096):
                text += chunk
        except OSError:  # the other side is closed
            pass
        return text.decode()

    def test_terminal(self):
        process, terminal = self.on_a_terminal("train", *TINY, "--steps", 40, "--out", "run")
        text = self.read_all(terminal)
        self.assertEqual(process.wait(TIMEOUT), 0, text)
        self.assertRegex(text, r"\r\[[#.]+\] \d+/40  ")
        self.assertRegex(text, r"\r\[#+\] 40/40  [^\r]*\x1b\[K\r\n")
        self.assertIn("test accuracy", text)

    def test_control_c(self):
        process, terminal = self.on_a_terminal(
            "train", *TINY, "--steps", 100000, "--evaluate-every", 0, "--checkpoint-every", 5,
            "--out", "run")  # fmt: skip
        self.wait_for_checkpoint("run", process)
        os.write(terminal, b"\x03")
        text = self.read_all(terminal)
        self.assertEqual(process.wait(TIMEOUT), 4, text)
        self.assertRegex(text, r"\nvalley: interrupted after step \d+; go on with: valley train "
                               r"--resume run\r\n\Z")  # fmt: skip


class Diverging(ProgramTest):
    def test_loss_that_is_no_number(self):
        code, out, err = self.run_valley("train", *TINY, "--lr", "1e6", "--steps", 60, "--quiet",
                                         "--checkpoint-every", 1, "--out", "run")  # fmt: skip
        self.assertEqual((code, out), (5, ""))
        match = re.fullmatch(
            r"valley: the loss is nan at step (\d+) on worker [01]; the last good checkpoint is "
            r"run/checkpoints/step-0*(\d+)\n", err)  # fmt: skip
        self.assertIsNotNone(match, err)
        self.assertEqual(int(match[2]), int(match[1]) - 1)
        self.assertEqual(self.checkpoints("run")[-1], int(match[2]))
        self.assertFalse((self.folder / "run" / "model.safetensors").exists())


class Scaled(ProgramTest):
    def settings(self, *flags):
        return tomllib.loads(self.succeed("train", "--print-config", *with_flags(TINY, *flags)))

    def test_settings_follow_the_workers(self):
        base = ("--lr", 0.1, "--period", 8, "--push", 0.2, "--batch-size", 16)
        found = self.settings("--workers", 8, "--scale-from", 2, *base)
        self.assertEqual((found["lr"], found["period"], found["push"], found["workers"]), (0.4, "2", 0.2, 8))
        found = self.settings("--workers", 8, "--scale-from", "2x16", "--scale-rule", "square-root", *base)
        self.assertEqual((found["lr"], found["period"]), (0.2, "4"))
        code, _, err = self.run_valley("train", *TINY, *base, "--scale-from", 1, "--steps", 8, "--out", "run")
        self.assertEqual(code, 0)
        self.assertEqual(err.count("lr 0.1 becomes 0.2\n"), 1, err)
        recorded = tomllib.loads((self.folder / "run" / "config.toml").read_text())
        self.assertEqual((recorded["lr"], recorded["period"], recorded["steps"]), (0.2, "4", 4))
        self.assertNotIn("scale-from", recorded)
        code, _, err = self.run_valley("train", *TINY, *base, "--scale-from", 1, "--steps", 8, "--out", "run", "--resume", "auto")
        self.assertEqual(code, 0, err)
        self.assertIn("finished", err)
        self.refuse("--scale-from cannot change a run that is resumed: run has its settings already",
                    "train", "--resume", "run", "--scale-from", 2)  # fmt: skip
        self.refuse("--scale-rule needs --scale-from", "train", *TINY, "--scale-rule", "linear")
        self.refuse("--scale-from must be WORKERS or WORKERSxBATCH, numbers from 1 on, got 'two'",
                    "train", *TINY, "--scale-from", "two")  # fmt: skip


if __name__ == "__main__":
    unittest.main()
