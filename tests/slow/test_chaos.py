"""Twenty runs in which workers are killed and frozen again and again: each comes to its end, with the record whole
and an accuracy like that of runs left alone."""

import os
import random
import signal
import statistics
import time
import unittest

from test_elastic import ElasticTest

from program import with_flags

STEPS = 2000
SEEDS = range(*map(int, os.environ.get("CHAOS_SEEDS", "0:20").split(":")))  # CHAOS_SEEDS=8:10: two of them
FLAGS = ("--steps", STEPS, "--test-samples", 1000, "--workers", 4, "--elastic", "1:4", "--timeout", 3, "--keep-checkpoints", 1)


class Chaos(ElasticTest):
    def accuracy(self, out):
        return 100 * self.summary(out)["test_accuracy"]

    def disturb(self, process, draw):
        """Kills or freezes somebody every few rounds, until the run is over."""
        done = []
        while process.poll() is None:
            time.sleep(draw.uniform(0.1, 0.8))
            workers = self.workers(process)
            if not workers or len(done) >= 6:
                continue
            number = draw.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGSTOP))
            try:
                os.kill(draw.choice(workers), number)
            except ProcessLookupError:
                continue
            done.append(number)
        return done

    def test_twenty_seeds(self):
        alone, disturbed, hits = [], [], 0
        for seed in SEEDS:
            flags = with_flags(FLAGS, "--algorithm", ("dppf", "local-sgd", "easgd", "slowmo")[seed % 4],
                               "--seed", seed)  # fmt: skip
            self.succeed("train", *self.flags(*flags), "--out", f"alone-{seed}", "--quiet")
            alone.append(self.accuracy(f"alone-{seed}"))
            process = self.begin(*flags)
            hits += len(self.disturb(process, random.Random(seed)))
            code, out, err = self.finish(process)
            self.assertEqual(code, 0, err)
            if "go on from the disk" not in err:  # all were dead at once
                self.assert_whole(STEPS)
            self.assertEqual(self.summary("run")["steps"], STEPS)
            (self.folder / "run").rename(self.folder / f"run-{seed}")
            disturbed.append(self.accuracy(f"run-{seed}"))
            print(f"seed {seed}: {disturbed[-1]:.1f} %, undisturbed {alone[-1]:.1f} %", flush=True)
            self.assert_none_left()
        print(f"{hits} workers killed or frozen; accuracy {statistics.mean(disturbed):.2f} %, "
              f"undisturbed {statistics.mean(alone):.2f} %")  # fmt: skip
        self.assertGreater(hits, len(SEEDS))
        self.assertLess(max(a - d for a, d in zip(alone, disturbed)), 3)
        self.assertGreater(statistics.mean(disturbed), statistics.mean(alone) - 1)


if __name__ == "__main__":
    unittest.main()
