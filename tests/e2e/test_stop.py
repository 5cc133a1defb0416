"""Signals, and going on afterwards as if nothing had happened."""

import os
import random
import shutil
import signal
import time
import unittest

from program import TINY, ProgramTest

STEPS = 600
LONG = ("--steps", STEPS, "--evaluate-every", 0, "--checkpoint-every", 20)
FLAGS = ("train", *TINY, *LONG, "--out", "run", "--quiet")


DPPF = ("--algorithm", "dppf", "--period", 7)  # checkpoints fall within periods
SSGD = ("--algorithm", "ssgd")


class Stopping(ProgramTest):
    """Compares with uninterrupted runs, which are made once for each kind."""

    references = {}

    def uninterrupted(self, *kind):
        if kind not in self.references:
            self.train("reference", *LONG, *kind)
            self.references[kind] = self.model("reference")
            shutil.rmtree(self.folder / "reference")
        return self.references[kind]

    def assert_resumes(self, *kind):
        self.assertFalse((self.folder / "run" / "model.safetensors").exists())
        code, out, err = self.run_valley("train", "--resume", "run")
        self.assertEqual(code, 0, err)
        self.assertRegex(err, r"(?m)^resuming at step [1-9]\d* of 600$")
        self.assertEqual(self.model("run"), self.uninterrupted(*kind))
        self.assertEqual(self.summary("run")["steps"], STEPS)
        steps = [r["step"] for r in self.metrics("run") if r["worker"] == 0]
        self.assertEqual(steps, list(range(3, STEPS + 1, 3)))  # none missing, none twice

    def stop(self, *kind, number=signal.SIGINT):
        """Sends a signal once there is a checkpoint; stderr."""
        process = self.start(*FLAGS, *kind)
        self.wait_for_checkpoint("run", process)
        code, out, err = self.interrupt(process, number)
        self.assertEqual((code, out), (4, ""), err)
        self.assertEqual(self.summary("run")["status"], "interrupted")
        self.assertIn(f"valley: interrupted after step {self.checkpoints('run')[-1]}; "
                      "go on with: valley train --resume run\n", err)  # fmt: skip
        return err


class Threads(Stopping):
    def test_control_c(self):
        err = self.stop(*DPPF)
        self.assertEqual(err.count("\n"), 1)
        self.assert_resumes(*DPPF)

    def test_sigterm(self):
        err = self.stop(*SSGD, number=signal.SIGTERM)
        self.assertEqual(err.count("\n"), 1)
        self.assert_resumes(*SSGD)

    def test_killed_at_any_moment(self):
        process = self.start(*FLAGS, *DPPF)
        self.wait_for_checkpoint("run", process)
        moment = random.uniform(0, 0.1)
        time.sleep(moment)
        self.assertEqual(self.interrupt(process, signal.SIGKILL)[0], -signal.SIGKILL)
        with self.subTest(f"killed {moment} s after the first checkpoint"):
            self.assert_resumes(*DPPF)

    def test_the_second_signal_ends_at_once(self):
        process = self.start("train", *TINY, "--steps", 10**6, "--evaluate-every", 0,
                             "--checkpoint-every", 5, "--out", "run", "--quiet")  # fmt: skip
        self.wait_for_checkpoint("run", process)
        self.halt(process)  # so that both are there before the program goes on
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGCONT)
        self.assertEqual(self.finish(process), (130, "", ""))
        self.assertTrue(self.checkpoints("run"))

    def test_nobody_else_goes_on_meanwhile(self):
        process = self.start("train", *TINY, "--steps", 10**6, "--evaluate-every", 0,
                             "--checkpoint-every", 5, "--out", "a run", "--quiet")  # fmt: skip
        self.wait_for_checkpoint("a run", process)
        self.halt(process)
        self.refuse("a run is in use: another process is training there",
                    "train", "--resume", "a run")  # fmt: skip
        process.send_signal(signal.SIGCONT)
        code, _, err = self.interrupt(process)
        self.assertEqual(code, 4)
        self.assertTrue(err.endswith("; go on with: valley train --resume 'a run'\n"), err)

    def test_a_record_cut_by_a_crash(self):
        self.stop(*DPPF)
        with open(self.folder / "run" / "metrics.jsonl", "a") as file:
            file.write('{"step":9')
        self.assert_resumes(*DPPF)

    def test_another_number_of_workers(self):
        self.stop(*DPPF)
        code, _, err = self.run_valley("train", "--resume", "run", "--workers", 3)
        self.assertEqual(code, 0, err)
        self.assertRegex(err, r"(?m)^the checkpoint has 2 workers, this run 3: starting from their "
                              r"average at epoch \d+, with fresh optimizer state$")  # fmt: skip
        self.assertEqual(self.summary("run")["workers"], 3)
        self.assertEqual(self.summary("run")["steps"], STEPS)
        self.assertGreater(self.summary("run")["test_accuracy"], 0.9)
        self.assertIn("\nworkers = 3\n", (self.folder / "run" / "config.toml").read_text())


class Processes(Stopping):
    KIND = (*DPPF, "--launch", "processes")

    def test_control_c(self):
        err = self.stop(*self.KIND)
        self.assertEqual(err.count("\n"), 2, err)
        self.assertIn("valley: signal 2 (Interrupt) passed on to the workers\n", err)
        self.assert_none_left()
        self.assert_resumes(*self.KIND)

    def test_the_second_signal_ends_at_once(self):
        process = self.start("train", *TINY, "--steps", 10**6, "--evaluate-every", 0,
                             "--checkpoint-every", 5, "--out", "run", "--quiet", "--launch",
                             "processes")  # fmt: skip
        self.wait_for_checkpoint("run", process)
        (worker,) = [pid for pid in self.working() if pid != process.pid][:1]
        os.kill(worker, signal.SIGSTOP)  # it will not hear of the first signal
        process.send_signal(signal.SIGINT)
        self.assertIn("passed on to the workers", process.stderr.readline())
        code, out, err = self.interrupt(process)
        self.assertEqual((code, out), (130, ""), err)
        self.assert_none_left()

    def test_the_launcher_is_killed(self):
        process = self.start(*FLAGS, *self.KIND)
        self.wait_for_checkpoint("run", process)
        process.kill()
        process.wait()
        end = time.monotonic() + 10
        while self.working() and time.monotonic() < end:
            time.sleep(0.05)
        self.assert_none_left()
        self.assert_resumes(*self.KIND)


if __name__ == "__main__":
    unittest.main()
