"""Workers that die, freeze and come back, while the others go on."""

import os
import random
import signal
import time
import unittest

from program import TINY, ProgramTest, with_flags

STEPS = 4000
FLAGS = with_flags(TINY, "--model", "mlp-16-8", "--batch-size", 16, "--lr", 0.01, "--workers", 3,
                   "--launch", "processes", "--elastic", "1:3", "--period", 4, "--evaluate-every", 20,
                   "--timeout", 20)  # fmt: skip


class ElasticTest(ProgramTest):
    def flags(self, *flags):
        return with_flags(FLAGS, *flags)

    def workers(self, launcher):
        """The processes that the launcher has started and that train, in the order of their start."""
        found = []
        for pid in self.working():
            try:
                with open(f"/proc/{pid}/stat") as file:
                    parent = int(file.read().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
            if parent == launcher.pid:
                found.append(pid)
        return sorted(found)

    def begin(self, *flags):
        process = self.start("train", *self.flags(*flags), "--checkpoint-every", 20, "--out", "run")
        self.wait_for_checkpoint("run", process)
        return process

    def assert_whole(self, steps=STEPS):
        """Every epoch of 4 steps is in the record, in order, none twice."""
        evaluations = [r["step"] for r in self.metrics("run") if "test_loss" in r]
        self.assertEqual(evaluations, sorted(set(evaluations)))
        rounds = [r["step"] for r in self.metrics("run") if "distances" in r]
        self.assertEqual(rounds, list(range(4, steps + 1, 4)))
        self.assertEqual(self.summary("run")["steps"], steps)
        self.assertEqual(self.summary("run")["status"], "finished")


class Elastic(ElasticTest):
    def test_undisturbed(self):
        code, out, err = self.run_valley("train", *FLAGS, "--steps", 200, "--out", "run", "--quiet")
        self.assertEqual((code, out, err), (0, "", ""))
        self.assert_whole(200)
        self.assertEqual(self.summary("run")["workers"], 3)
        self.assert_none_left()

    def test_killed_and_replaced(self):
        process = self.begin("--steps", STEPS)
        former = self.workers(process)
        self.assertEqual(len(former), 3)
        os.kill(former[0], signal.SIGKILL)  # worker 0 of all, who writes
        code, out, err = self.finish(process)
        self.assertEqual(code, 0, err)
        self.assertIn(f"valley: worker 0 (pid {former[0]}) died with signal 9 (Killed)", err)
        self.assertRegex(err, r"(?m)^valley: worker 0 starts again \(pid \d+\)$")
        self.assertRegex(err, r"(?m)^2 of 3 workers go on after step \d+$")
        self.assertEqual(out.count("test accuracy"), 1, out)
        self.assert_whole()
        groups = [r["workers"] for r in self.metrics("run") if "workers" in r]
        self.assertEqual(groups[0], 2)
        self.assertEqual(set(groups[1:]) - {3}, set())
        self.assert_none_left()

    def test_frozen_is_killed(self):
        process = self.begin("--steps", STEPS, "--timeout", 3)
        frozen = self.workers(process)[1]
        os.kill(frozen, signal.SIGSTOP)
        code, out, err = self.finish(process)
        self.assertEqual(code, 0, err)
        self.assertIn(f"(pid {frozen}) was silent for 3 s and is killed", err)
        self.assert_whole()
        self.assert_none_left()

    def test_chaos(self):
        """Anybody, again and again, at any moment."""
        for seed in (1, 2):
            draw = random.Random(seed)
            process = self.begin("--steps", STEPS, "--algorithm", ("dppf", "easgd")[seed - 1])
            for _ in range(4):
                time.sleep(draw.uniform(0, 0.8))
                workers = self.workers(process)
                if workers:
                    os.kill(draw.choice(workers), signal.SIGKILL)
            code, out, err = self.finish(process)
            self.assertEqual(code, 0, err)
            self.assert_whole()
            self.assertGreater(self.summary("run")["test_accuracy"], 0.5)
            self.assert_none_left()
            (self.folder / "run").rename(self.folder / f"run-{seed}")

    def test_too_few(self):
        process = self.begin("--steps", 10**6, "--elastic", "3:3", "--timeout", 2)
        # The new one, too, so that it never comes.
        end = time.monotonic() + 60
        first = set(self.workers(process))
        os.kill(min(first), signal.SIGKILL)
        while process.poll() is None and time.monotonic() < end:
            for pid in set(self.workers(process)) - first:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)
        code, out, err = self.finish(process)
        self.assertEqual(code, 3, err)
        self.assertIn("valley: 2 workers are left, fewer than the run needs", err)
        self.assertEqual(err.splitlines()[-1], "valley: go on with: valley train --resume run")
        self.assertTrue(self.checkpoints("run"))
        self.assert_none_left()

    def killed(self, *flags, steps=1500):
        """A run of which worker 1 is killed; stderr."""
        process = self.begin("--steps", steps, *flags)
        os.kill(self.workers(process)[1], signal.SIGKILL)
        code, out, err = self.finish(process)
        self.assertEqual(code, 0, (flags, err))
        self.assertRegex(err, r"(?m)^2 of 3 workers go on after step \d+$", flags)
        self.assertEqual(self.summary("run")["steps"], steps)
        self.assertGreater(self.summary("run")["test_accuracy"], 0.5, flags)
        self.assert_none_left()
        return err

    def test_rounds_that_say_less(self):
        """What is remembered of single workers, or by their number, begins anew, and that is said."""
        anew = "another group: what was still to be said of former rounds begins anew\n"
        for number, (flags, said) in enumerate((
            (("--wire", "bf16", "--algorithm", "lsgd"), False),
            (("--wire", "int8"), True),
            (("--wire", "powersgd-2"), True),
            (("--compress-rounds", "top-k:0.1", "--algorithm", "slowmo"), True),
        )):  # fmt: skip
            with self.subTest(flags=flags):
                err = self.killed(*flags)
                self.assertEqual(anew in err, said, err)
                self.assert_whole(1500)
                (self.folder / "run").rename(self.folder / f"run-{number}")

    def test_rounds_under_way_are_dropped(self):
        for number, flags in enumerate((("--delay", 1, "--fragments", 2), ("--delay", 2, "--wire", "int8"),
                                        ("--delay", 2, "--compress-rounds", "int8", "--algorithm", "slowmo"))):  # fmt: skip
            with self.subTest(flags=flags):
                self.killed(*flags)
                rounds = [r["step"] for r in self.metrics("run") if "distances" in r]
                self.assertEqual(rounds, sorted(set(rounds)))
                (self.folder / "run").rename(self.folder / f"run-{number}")

    def test_control_c_and_resume(self):
        process = self.begin("--steps", STEPS)
        code, out, err = self.interrupt(process)
        self.assertEqual(code, 4, err)
        self.assertIn("go on with: valley train --resume run", err)
        code, out, err = self.run_valley("train", "--resume", "run")
        self.assertEqual(code, 0, err)
        self.assert_whole()


class Refused(ProgramTest):
    def test_bad_input(self):
        flags = with_flags(TINY, "--workers", 3, "--launch", "processes")
        base = ("train", *flags)
        self.refuse("--elastic must be MIN:MAX, numbers of workers from 1 on, got 'two'",
                    *base, "--elastic", "two")  # fmt: skip
        self.refuse("--elastic must be MIN:MAX, numbers of workers from 1 on, got '0:3'",
                    *base, "--elastic", "0:3")  # fmt: skip
        self.refuse("--elastic 4:3: MIN must not be above MAX", *base, "--elastic", "4:3")
        self.refuse("--elastic 2:4 starts 4 workers, --workers is 3", *base, "--elastic", "2:4")
        self.refuse("--elastic needs --launch processes: of threads none dies alone",
                    "train", *with_flags(flags, "--launch", "threads"), "--elastic", "2:3")  # fmt: skip
        self.refuse("--elastic goes with the methods that have a --delay; --algorithm ssgd is none of them",
                    *base, "--elastic", "2:3", "--algorithm", "ssgd")  # fmt: skip
        self.refuse("--hierarchy inner:2,outer:4 is of groups that stay whole, which --elastic cannot promise",
                    *base, "--elastic", "2:3", "--hierarchy", "inner:2,outer:4")  # fmt: skip
        self.refuse("--probe is not for workers that come and go: --elastic",
                    *base, "--elastic", "2:3", "--probe", 5)  # fmt: skip

    def test_other_launchers(self):
        environment = {"RANK": "0", "WORLD_SIZE": "2", "TORCHELASTIC_RUN_ID": "1"}
        self.refuse("--elastic is for launchers that outlive each other, by hand or under srun --no-kill; under "
                    "torchrun a lost worker ends all, and --resume auto goes on with it",
                    "train", *with_flags(TINY, "--workers", 2), "--elastic", "1:2",
                    env=environment)  # fmt: skip
        self.refuse("--elastic 1:3: 3 workers are not to be divided among 2 machines",
                    "train", *with_flags(TINY, "--workers", 3), "--elastic", "1:3",
                    env={"RANK": "0", "WORLD_SIZE": "2"})  # fmt: skip


if __name__ == "__main__":
    unittest.main()
