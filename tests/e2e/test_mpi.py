"""Workers of an mpirun that talk through MPI."""

import os
import re
import shutil
import signal
import subprocess
import time
import unittest

from program import TIMEOUT, TINY, VALLEY, ProgramTest, environment, has_mpi, with_flags

SMALL = with_flags([word for word in TINY if word not in ("--workers", "2")], "--model", "mlp-16-8",
                   "--lr", 0.01, "--evaluate-every", 0, "--quiet", "--out", "run")  # fmt: skip
MPIRUN = ("mpirun", "--allow-run-as-root", "--oversubscribe")
HAS_MPI = has_mpi()


def rank_of(pid):
    """A process's rank in its mpirun, or None."""
    with open(f"/proc/{pid}/environ", "rb") as file:
        match = re.search(rb"(?:^|\0)OMPI_COMM_WORLD_RANK=(\d)", file.read())
    return int(match[1]) if match else None


@unittest.skipUnless(HAS_MPI, "this program was built without MPI")
class Mpi(ProgramTest):
    def start_mpirun(self, *words):
        process = subprocess.Popen(
            [*MPIRUN, *map(str, words)], cwd=self.folder, env=environment(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.addCleanup(process.communicate)
        self.addCleanup(process.terminate)  # of which its workers learn
        return process

    def mpirun(self, workers, *flags):
        """(exit code, output) of valley train over MPI."""
        return self.end(self.start_mpirun("-n", workers, VALLEY, "train", *SMALL, "--backend", "mpi",
                                          *flags))  # fmt: skip

    def end(self, process):
        text, _ = process.communicate(timeout=TIMEOUT)
        return process.returncode, text

    def start_three(self, timeout):
        """Three workers that have written a checkpoint: mpirun, and their processes by rank."""
        mpirun = self.start_mpirun("-n", 3, VALLEY, "train", *SMALL, "--backend", "mpi", "--steps", 3000,
                                   "--checkpoint-every", 50, "--timeout", timeout)  # fmt: skip
        self.wait_for_checkpoint("run", mpirun)
        workers = {rank_of(pid): pid for pid in self.working() if rank_of(pid) is not None}
        self.assertEqual(set(workers), {0, 1, 2})
        return mpirun, workers

    def test_the_bits_of_sockets(self):
        for workers, flags in ((2, ("--algorithm", "dppf", "--period", 4)), (3, ("--algorithm", "dpsgd"))):
            with self.subTest(flags):
                flags = (*flags, "--steps", 12)
                self.assertEqual(self.mpirun(workers, *flags), (0, ""))
                mpi, model = self.summary("run"), self.model("run")
                shutil.rmtree(self.folder / "run")
                self.succeed("train", *SMALL, *flags, "--workers", workers, "--launch", "processes")
                gloo = self.summary("run")
                self.assertEqual((mpi["backend"], gloo["backend"]), ("mpi", "gloo"))
                self.assertEqual(mpi["comm_bytes_per_worker"], gloo["comm_bytes_per_worker"])
                self.assertEqual(model, self.model("run"))
                shutil.rmtree(self.folder / "run")

    def test_a_worker_is_killed(self):
        mpirun, workers = self.start_three(timeout=30)
        os.kill(workers[1], signal.SIGKILL)
        killed = time.monotonic()
        code, text = self.end(mpirun)
        self.assertLess(time.monotonic() - killed, 20)
        self.assertNotEqual(code, 0)
        self.assertNotIn("interrupted after step", text)  # whatever mpirun has told the survivors
        self.assertRegex(text, r"valley: lost rank 1 \(its process has ended\) in \w+ \d+ after")
        # The last checkpoint is whole; others may go on with it.
        self.succeed("train", "--resume", "run", "--quiet", "--launch", "threads", "--backend", "auto")
        self.assertEqual(self.summary("run")["steps"], 3000)

    def test_a_worker_falls_silent(self):
        mpirun, workers = self.start_three(timeout=4)
        os.kill(workers[1], signal.SIGSTOP)
        stopped = time.monotonic()
        code, text = self.end(mpirun)
        self.assertLess(time.monotonic() - stopped, 20)
        self.assertEqual(code, 3)
        self.assertRegex(text, r"valley: timed out after 4\.\d s in \w+ \d+: waiting for rank 1")

    def test_interrupted_and_resumed(self):
        flags = ("--steps", 400, "--checkpoint-every", 10)
        mpirun = self.start_mpirun("-n", 2, VALLEY, "train", *SMALL, "--backend", "mpi", *flags)
        self.wait_for_checkpoint("run", mpirun)
        mpirun.send_signal(signal.SIGUSR1)  # passed on to the workers
        code, text = self.end(mpirun)
        self.assertEqual(code, 4, text)
        self.assertIn("valley: interrupted after step", text)
        code, text = self.end(self.start_mpirun("-n", 2, VALLEY, "train", "--resume", "run", "--quiet"))
        self.assertEqual((code, text), (0, ""))
        self.assertEqual(self.summary("run")["steps"], 400)

    def test_all_learn_what_does_not_go_together(self):
        flags = (*SMALL, "--backend", "mpi", "--steps", 1)
        code, text = self.end(self.start_mpirun(
            "-n", 1, VALLEY, "train", *flags, ":",
            "-n", 1, VALLEY, "train", *with_flags(flags, "--lr", 1)))  # fmt: skip
        self.assertEqual(code, 2, text)
        self.assertIn("valley: lr: 0.01 on rank 0, 1 on rank 1; the workers of a run must agree on it\n", text)
        self.assertFalse((self.folder / "run").exists())

    def test_needs_mpirun(self):
        for more in ((), ("--launch", "processes")):
            self.refuse("--backend mpi needs workers that mpirun has started: mpirun -n 2 valley train "
                        "--backend mpi", "train", *TINY, *more, "--backend", "mpi")  # fmt: skip
        self.refuse("--interface eth1 is not read by --backend mpi: mpirun chooses the network, with "
                    "btl_tcp_if_include eth1",
                    "train", *TINY, "--backend", "mpi", "--interface", "eth1",
                    env={"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "2"})  # fmt: skip

    def test_without_libmpi(self):
        """The program as it is, without the part that libmpi belongs to."""
        there = os.path.dirname(os.path.dirname(VALLEY))
        for name in ("bin/valley", "libexec/valley/valley-engine"):
            (self.folder / name).parent.mkdir(parents=True)
            shutil.copy(os.path.join(there, name), self.folder / name)
        result = subprocess.run(
            [self.folder / "bin" / "valley", "train", *map(str, SMALL), "--backend", "mpi"], cwd=self.folder,
            env=environment(OMPI_COMM_WORLD_RANK="0", OMPI_COMM_WORLD_SIZE="2"),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT,
        )  # fmt: skip
        self.assertEqual((result.returncode, result.stdout), (2, ""))
        self.assertRegex(result.stderr, r"^valley: --backend mpi cannot be loaded: .*/valley-mpi\.so: cannot "
                                        r"open shared object file: No such file or directory\n$")  # fmt: skip


@unittest.skipIf(HAS_MPI, "this program was built with MPI")
class WithoutMpi(ProgramTest):
    def test_is_refused(self):
        self.refuse("--backend mpi is not part of this program: no MPI was there when it was built",
                    "train", *TINY, "--backend", "mpi")  # fmt: skip


if __name__ == "__main__":
    unittest.main()
