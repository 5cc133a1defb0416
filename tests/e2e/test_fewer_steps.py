"""A worker that is slow does fewer local steps, and the others need not wait for it."""

import os
import shutil
import signal
import threading
import time
import unittest

from test_elastic import ElasticTest

from program import TINY, with_flags

FLAGS = with_flags(TINY, "--model", "mlp-512-512", "--batch-size", 100, "--launch", "processes", "--period", 8,
                   "--fewer-steps", 0.25, "--evaluate-every", 0, "--timeout", 60)  # fmt: skip


class Slowed(threading.Thread):
    """A process that is stopped for most of the time."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid = pid
        self.over = threading.Event()

    def run(self):
        try:
            while not self.over.is_set():
                for number, seconds in ((signal.SIGSTOP, 0.045), (signal.SIGCONT, 0.005)):
                    os.kill(self.pid, number)
                    time.sleep(seconds)
        except ProcessLookupError:
            pass


class FewerSteps(ElasticTest):
    def local_steps(self, out):
        return [r["local_steps"] for r in self.metrics(out) if "distances" in r]

    def test_slowed(self):
        process = self.start("train", *with_flags(FLAGS, "--steps", 160), "--checkpoint-every", 40, "--out", "run")
        self.wait_for_checkpoint("run", process)
        slowed = Slowed(self.workers(process)[1])
        slowed.start()
        self.addCleanup(slowed.over.set)
        code, out, err = self.finish(process)
        self.assertEqual(code, 0, err)
        steps = self.local_steps("run")
        self.assertEqual(len(steps), 20)
        self.assertTrue(all(1 <= n <= 8 for pair in steps for n in pair), steps)
        self.assertTrue(all(min(pair) >= 2 for pair in steps), steps)
        slow = [pair[1] for pair in steps[8:]]  # from when it is slowed for sure
        self.assertLess(sum(slow) / len(slow), 6, steps)
        self.assertGreater(self.summary("run")["test_accuracy"], 0.5)

    def test_recorded_and_resumed(self):
        """With a share of 1 nobody does fewer: the bits of a run in which nobody could, resumed, too."""
        flags = with_flags(FLAGS, "--model", "mlp", "--steps", 40, "--fewer-steps", 1, "--checkpoint-every", 14,
                           "--keep-checkpoints", 3)  # fmt: skip
        self.succeed("train", *flags, "--out", "run", "--quiet")
        self.assertEqual(self.local_steps("run"), [[8, 8]] * 5)
        self.succeed("train", *with_flags(flags, "--fewer-steps", 0), "--out", "plain", "--quiet")
        self.assertNotIn("fewer-steps", (self.folder / "plain" / "config.toml").read_text())
        self.assertEqual(self.model("run"), self.model("plain"))
        shutil.copytree(self.folder / "run", self.folder / "broken")
        self.break_off("broken", 28)
        self.succeed("train", "--resume", "broken", "--quiet")
        self.assertEqual(self.local_steps("broken"), [[8, 8]] * 5)
        self.assertEqual(self.model("broken"), self.model("run"))

    def test_bad_input(self):
        base = ("train", *TINY)
        self.refuse("--fewer-steps must be in [0, 1], got 1.5", *base, "--fewer-steps", 1.5)
        self.refuse("--fewer-steps counts the workers by their steps, which has a meaning in the means of local-sgd, "
                    "slowmo, diloco, dppf, easgd, not of ssgd", *base, "--fewer-steps", 0.5, "--algorithm", "ssgd")  # fmt: skip
        self.refuse("--fewer-steps sends all of a worker as it is, in a plain round: --wire none",
                    *base, "--fewer-steps", 0.5, "--wire", "bf16")  # fmt: skip
        self.refuse("--fewer-steps times the steps of the CPU; on --device auto they are queued",
                    *base, "--fewer-steps", 0.5, "--device", "auto")  # fmt: skip


if __name__ == "__main__":
    unittest.main()
