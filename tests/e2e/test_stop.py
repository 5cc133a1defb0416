"""Signals, and going on afterwards as if nothing had happened."""

import fcntl
import os
import pty
import random
import shutil
import signal
import subprocess
import termios
import time
import unittest

from program import TIMEOUT, TINY, VALLEY, ProgramTest, environment, with_flags

STEPS = 600
SMALL = with_flags(TINY, "--model", "mlp-16-8", "--evaluate-every", 0)
LONG = (*SMALL, "--steps", STEPS, "--checkpoint-every", 20)
FLAGS = ("train", *LONG, "--out", "run", "--quiet")
ENDLESS = ("train", *SMALL, "--steps", 10**6, "--checkpoint-every", 5)


DPPF = ("--algorithm", "dppf", "--period", 7)  # checkpoints fall within periods
SSGD = ("--algorithm", "ssgd")
HIDDEN = ("--algorithm", "diloco", "--period", 8, "--fragments", 2, "--delay", 3, "--wire", "int8")


class Stopping(ProgramTest):
    """Compares with uninterrupted runs, which are made once for each kind."""

    references = {}

    def uninterrupted(self, *kind):
        if kind not in self.references:
            self.succeed("train", *LONG, *kind, "--out", "reference", "--quiet")
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

    def test_control_c_while_rounds_travel(self):
        self.stop(*HIDDEN)
        self.assert_resumes(*HIDDEN)

    def test_sigterm(self):
        err = self.stop(*SSGD, number=signal.SIGTERM)
        self.assertEqual(err.count("\n"), 1)
        self.assert_resumes(*SSGD)

    def test_told_twice_by_timeout(self):
        """coreutils' `timeout` signals the program, and then the group that it is in."""
        process = self.start(*FLAGS, *DPPF)
        self.wait_for_checkpoint("run", process)
        process.send_signal(signal.SIGTERM)
        code, out, err = self.interrupt(process, signal.SIGTERM)
        self.assertEqual(code, 4, err)

    def test_killed_at_any_moment(self):
        process = self.start(*FLAGS, *DPPF)
        self.wait_for_checkpoint("run", process)
        moment = random.uniform(0, 0.1)
        time.sleep(moment)
        self.assertEqual(self.interrupt(process, signal.SIGKILL)[0], -signal.SIGKILL)
        with self.subTest(f"killed {moment} s after the first checkpoint"):
            self.assert_resumes(*DPPF)

    def test_the_second_signal_ends_at_once(self):
        process = self.start(*ENDLESS, "--quiet", "--out", "run")
        self.wait_for_checkpoint("run", process)
        self.halt(process)  # so that both are there before the program goes on
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGCONT)
        self.assertEqual(self.finish(process), (130, "", ""))
        self.assertTrue(self.checkpoints("run"))

    def test_nobody_else_goes_on_meanwhile(self):
        process = self.start(*ENDLESS, "--quiet", "--out", "a run")
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


class ResumeAuto(Stopping):
    """The whole command again and again, as torchrun, Slurm and cron start it."""

    AUTO = (*FLAGS, *DPPF, "--resume", "auto")

    def test_until_it_is_finished(self):
        process = self.start(*self.AUTO)
        self.wait_until((self.folder / "run" / "config.toml").exists, process)
        self.interrupt(process, signal.SIGKILL)  # most often before its first checkpoint
        process = self.start(*self.AUTO)
        self.wait_for_checkpoint("run", process)
        self.interrupt(process, signal.SIGKILL)
        self.refuse("run holds a run with lr = 0.03, not 0.5; choose another --out",
                    *self.AUTO, "--lr", 0.5)  # fmt: skip
        code, out, err = self.run_valley(*self.AUTO[:-2], "--resume=auto")
        self.assertEqual((code, out, err), (0, "", ""))
        self.assertEqual(self.model("run"), self.uninterrupted(*DPPF))
        code, out, err = self.run_valley(*(flag for flag in self.AUTO if flag != "--quiet"))
        self.assertEqual((code, err), (0, "run is finished already\n"))
        self.assertIn("test accuracy", out)
        self.refuse("run holds a run with steps = 600, not 700; choose another --out",
                    *(700 if flag == STEPS else flag for flag in self.AUTO))  # fmt: skip

    def test_a_run_that_diverged_is_not_tried_again(self):
        flags = ("train", *SMALL, "--steps", 50, "--lr", 1e30, "--out", "run", "--resume", "auto")
        code, _, err = self.run_valley(*flags, "--launch", "processes")
        self.assertEqual(code, 5, err)
        code, out, err = self.run_valley(*flags)
        self.assertEqual((code, out), (5, ""))
        self.assertRegex(err, r"^valley: run has diverged already: .* at step \d+ on worker \d\n$")

    def test_it_needs_a_folder(self):
        self.refuse("--resume auto needs --out, the folder to go on in or to begin",
                    "train", *SMALL, "--resume", "auto")  # fmt: skip


class NobodyListens(Stopping):
    """What tells a person must not end or delay the work, whoever went away."""

    KINDS = {"threads": DPPF, "processes": (*DPPF, "--launch", "processes")}
    SHOWN = FLAGS[:-1]  # not quiet

    def assert_saved(self):
        self.assertEqual(self.summary("run")["status"], "interrupted")
        self.assertTrue(self.checkpoints("run"))
        self.assert_none_left()

    def test_tee_dies_first_of_a_group(self):
        """valley ... 2>&1 | tee log, and Control-C."""
        for name, kind in self.KINDS.items():
            with self.subTest(name):
                process = subprocess.Popen(
                    [VALLEY, *map(str, (*ENDLESS, "--out", "run", *kind))], cwd=self.folder, env=environment(),
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, process_group=0,
                )  # fmt: skip
                self.addCleanup(process.wait)
                self.addCleanup(process.kill)
                tee = subprocess.Popen(
                    ["tee", "/dev/null"], cwd="/", stdin=process.stdout, stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL, process_group=process.pid,
                )  # fmt: skip
                process.stdout.close()
                self.wait_for_checkpoint("run", process)
                tee.send_signal(signal.SIGINT)
                tee.wait(TIMEOUT)
                os.killpg(process.pid, signal.SIGINT)
                self.assertEqual(process.wait(TIMEOUT), 4)
                self.assert_saved()
                shutil.rmtree(self.folder / "run")

    def on_a_terminal(self, *flags, hang_up=signal.SIG_DFL):
        """The program as the leader of a session on a terminal, and that terminal."""
        terminal, side = pty.openpty()

        def own_terminal():
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            signal.signal(signal.SIGHUP, hang_up)

        process = subprocess.Popen(
            [VALLEY, *map(str, flags)], cwd=self.folder, env=environment(TERM="xterm"), stdin=side,
            stdout=side, stderr=side, start_new_session=True, preexec_fn=own_terminal,
        )  # fmt: skip
        os.close(side)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process, terminal

    def test_the_terminal_goes_away(self):
        process, terminal = self.on_a_terminal(*ENDLESS, "--out", "run", *self.KINDS["processes"])
        self.wait_for_checkpoint("run", process)
        os.close(terminal)
        self.assertEqual(process.wait(TIMEOUT), 4)
        self.assert_saved()

    def test_the_terminal_goes_away_under_nohup(self):
        process, terminal = self.on_a_terminal(*self.SHOWN, *self.KINDS["processes"],
                                               hang_up=signal.SIG_IGN)  # fmt: skip
        self.wait_for_checkpoint("run", process)
        os.close(terminal)
        self.assertEqual(process.wait(TIMEOUT), 3)  # the table could not be printed
        self.assertEqual(self.summary("run")["status"], "finished")
        self.assertEqual(self.model("run"), self.uninterrupted(*self.KINDS["processes"]))

    def test_closed_from_the_beginning(self):
        code = subprocess.call(
            ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", VALLEY, *map(str, (*self.SHOWN, *DPPF))],
            cwd=self.folder, env=environment(), timeout=TIMEOUT,
        )  # fmt: skip
        self.assertEqual(code, 3)  # the table could not be printed
        self.assertEqual(self.model("run"), self.uninterrupted(*DPPF))
        for path in (self.folder / "run").rglob("*"):
            if path.is_file():
                self.assertNotIn(b"step 600/600", path.read_bytes(), path)

    def test_a_reader_that_stopped_reading(self):
        ours, theirs = os.pipe()
        fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ, 4096)
        with os.fdopen(ours), os.fdopen(theirs) as full:
            os.set_blocking(theirs, False)
            while True:  # somebody has filled it already
                try:
                    os.write(theirs, bytes(4096))
                except BlockingIOError:
                    break
            os.set_blocking(theirs, True)
            process = subprocess.Popen(
                [VALLEY, *map(str, self.SHOWN), "--launch", "processes"], cwd=self.folder,
                env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=full,
            )  # fmt: skip
            self.addCleanup(process.kill)
            self.assertEqual(process.wait(TIMEOUT), 0)
        self.assertEqual(self.summary("run")["status"], "finished")


class Processes(Stopping):
    KIND = (*DPPF, "--launch", "processes")

    def test_control_c(self):
        err = self.stop(*self.KIND)
        self.assertEqual(err.count("\n"), 2, err)
        self.assertIn("valley: signal 2 (Interrupt) passed on to the workers\n", err)
        self.assert_none_left()
        self.assert_resumes(*self.KIND)

    def test_the_second_signal_ends_at_once(self):
        process = self.start(*ENDLESS, "--quiet", "--out", "run", "--launch", "processes")
        self.wait_for_checkpoint("run", process)
        (worker,) = [pid for pid in self.working() if pid != process.pid][:1]
        os.kill(worker, signal.SIGSTOP)  # it will not hear of the first signal
        process.send_signal(signal.SIGINT)
        self.assertIn("passed on to the workers", process.stderr.readline())
        code, out, err = self.interrupt(process, signal.SIGTERM)  # SIGINT at once were an echo
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
