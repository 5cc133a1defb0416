"""Workers that are processes: of valley itself, of torchrun, of mpirun."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import unittest

from program import TIMEOUT, TINY, VALLEY, ProgramTest, environment, with_flags

SMALL = with_flags(TINY, "--model", "mlp-16-8", "--period", 4, "--lr", 0.01, "--evaluate-every", 0)
THREE = with_flags(SMALL, "--workers", 3, "--batch-size", 16)


def rank_of(pid):
    """The environment's LOCAL_RANK of a process, or None."""
    with open(f"/proc/{pid}/environ", "rb") as file:
        match = re.search(rb"(?:^|\0)LOCAL_RANK=(\d)", file.read())
    return int(match[1]) if match else None


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Launch(ProgramTest):
    def test_agrees_with_threads(self):
        for out, launch in (("threads", "threads"), ("processes", "processes")):
            self.succeed("train", *THREE, "--steps", 30, "--quiet", "--launch", launch, "--out", out)
        a, b = self.summary("threads"), self.summary("processes")
        self.assertEqual((a["backend"], b["backend"]), ("thread", "gloo"))
        for key in ("train_loss", "test_loss", "valley_width"):
            self.assertAlmostEqual(a[key], b[key], delta=1e-3)
        for key in ("steps", "rounds", "comm_bytes_per_worker"):
            self.assertEqual(a[key], b[key])
        names = [{path.name for path in (self.folder / out).iterdir() if "tfevents" not in path.name}
                 for out in ("threads", "processes")]  # fmt: skip
        self.assertEqual(*names)
        self.assert_none_left()

    def test_shows_one_display(self):
        code, out, err = self.run_valley("train", *TINY, "--steps", 3, "--launch", "processes")
        self.assertEqual(code, 0, err)
        self.assertEqual(err.count("acc"), 1)
        self.assertEqual(out.count("test accuracy"), 1)

    def test_refused_before_a_worker_starts(self):
        self.refuse("--pull must be in (0, 1], got 7",
                    "train", *TINY, "--launch", "processes", "--pull", 7)  # fmt: skip

    def test_a_worker_is_killed(self):
        process = self.start("train", *THREE, "--steps", 10**6, "--launch", "processes", "--timeout",
                             10, "--checkpoint-every", 5, "--quiet", "--out", "run")  # fmt: skip
        self.wait_for_checkpoint("run", process)
        workers = {rank_of(pid): pid for pid in self.working() if rank_of(pid) is not None}
        self.assertEqual(set(workers), {0, 1, 2})
        os.kill(workers[1], signal.SIGKILL)
        killed = time.monotonic()
        code, out, err = self.finish(process)
        self.assertEqual((code, out), (3, ""))
        self.assertLess(time.monotonic() - killed, 30)
        lines = err.splitlines()
        self.assertIn(f"valley: worker 1 (pid {workers[1]}) died with signal 9 (Killed)", lines)
        lost = [line for line in lines if line.startswith("valley: lost rank 1 ")]
        self.assertEqual(len(lost), 2, err)
        for rank in (0, 2):
            self.assertIn(f"valley: worker {rank} (pid {workers[rank]}) exited with status 3", lines)
        self.assertEqual(lines[-1], "valley: go on with: valley train --resume run")
        self.assertEqual(len(lines), 6, err)
        self.assert_none_left()


class Foreign(ProgramTest):
    """Launchers that are not ours."""

    def run_others(self, command, env=None):
        result = subprocess.run(
            [str(word) for word in command], cwd=self.folder, env=environment(**(env or {})),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT,
        )  # fmt: skip
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result.stdout + result.stderr

    def start_ranks(self, *flags, env):
        """Two processes with the variables a launcher would set; their (code, out, err)."""
        port = str(free_port())
        ranks = [
            self.start("train", *flags,
                       env={"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port} | env(rank))
            for rank in range(2)
        ]  # fmt: skip
        return [self.finish(process) for process in ranks]

    def reference(self, steps):
        self.made("reference", "train", *SMALL, "--steps", steps, "--launch", "processes")
        return self.model("reference")

    ALONE = with_flags([word for word in SMALL if word not in ("--workers", "2")], "--out", "run")
    FLAGS = (*ALONE, "--steps", 30)

    def test_torchrun(self):
        text = self.run_others(
            [sys.executable, "-m", "torch.distributed.run", "--nnodes", 1, "--nproc_per_node", 2,
             "--rdzv_backend", "c10d", "--rdzv_endpoint", f"127.0.0.1:{free_port()}",
             "-r", 1, "-t", 1, "--no_python", VALLEY, "train", *self.FLAGS],
            env={"TORCHELASTIC_USE_AGENT_STORE": "True", "OMP_NUM_THREADS": "1",
                 "USE_LIBUV": "0"})  # fmt: skip
        self.assertIn("worker 0 of 2, says torchrun", text)
        self.assertEqual(self.summary("run")["workers"], 2)
        self.assertEqual(self.model("run"), self.reference(30))

    def test_torchrun_starts_killed_workers_again(self):
        flags = (*self.ALONE, "--steps", 400)
        launcher = subprocess.Popen(
            [str(word) for word in (
                sys.executable, "-m", "torch.distributed.run", "--nnodes", 1, "--nproc_per_node", 2,
                "--max_restarts", 2, "--monitor_interval", 0.1, "--rdzv_backend", "c10d",
                "--rdzv_endpoint", f"127.0.0.1:{free_port()}", "-r", 1, "-t", 1, "--no_python",
                VALLEY, "train", *flags, "--checkpoint-every", 20, "--resume", "auto")],
            cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
            env=environment(TORCHELASTIC_USE_AGENT_STORE="True", OMP_NUM_THREADS="1", USE_LIBUV="0"))  # fmt: skip
        self.addCleanup(launcher.communicate)
        self.addCleanup(launcher.terminate)
        self.wait_for_checkpoint("run", launcher)
        worker = next(pid for pid in self.working() if rank_of(pid) == 1)
        os.kill(worker, signal.SIGKILL)
        text, _ = launcher.communicate(timeout=TIMEOUT)
        self.assertEqual(launcher.returncode, 0, text)
        self.assertRegex(text, r"resuming at step [1-9]\d* of 400")
        self.assertEqual(self.model("run"), self.reference(400))

    def test_it_says_who_said_so_before_it_waits(self):
        process = self.start("train", *self.FLAGS, env={
            "PMI_RANK": "0", "PMI_SIZE": "2", "MASTER_PORT": str(free_port())})  # fmt: skip
        self.assertEqual(process.stderr.readline(), "worker 0 of 2, says mpiexec (PMI_*)\n")
        process.send_signal(signal.SIGTERM)  # there is nothing to save yet
        self.assertEqual(self.finish(process)[0], -signal.SIGTERM)

    def test_mpi_environment(self):
        results = self.start_ranks(*self.FLAGS, env=lambda rank: {
            "OMPI_COMM_WORLD_RANK": str(rank), "OMPI_COMM_WORLD_SIZE": "2",
            "OMPI_COMM_WORLD_LOCAL_RANK": str(rank), "OMPI_COMM_WORLD_LOCAL_SIZE": "2"})  # fmt: skip
        self.assertEqual([result[0] for result in results], [0, 0], results)
        self.assertIn("worker 0 of 2, says mpirun (OMPI_COMM_WORLD_*)\n", results[0][2])
        self.assertEqual(results[1][1:], ("", ""))
        self.assertEqual(self.model("run"), self.reference(30))

    @unittest.skipUnless(shutil.which("mpirun"), "mpirun is not installed")
    def test_mpirun(self):
        text = self.run_others(["mpirun", "--allow-run-as-root", "--oversubscribe", "-n", 2, VALLEY,
                                "train", *self.FLAGS])  # fmt: skip
        self.assertIn("says mpirun (OMPI_COMM_WORLD_*)", text)
        self.assertEqual(self.summary("run")["workers"], 2)

    def test_all_learn_that_the_folder_is_taken(self):
        self.train("run", "--steps", 1)
        results = self.start_ranks(*self.FLAGS, "--quiet", env=lambda rank: {
            "RANK": str(rank), "WORLD_SIZE": "2"})  # fmt: skip
        message = ("--out run already holds a run; choose another folder, or --resume run to go on\n")
        self.assertEqual(results, [(2, "", "valley: " + message), (2, "", "valley: rank 0: " + message)])

    def test_interrupted_and_resumed(self):
        def env(rank):
            return {"RANK": str(rank), "WORLD_SIZE": "2"}

        port = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
        flags = (*self.ALONE, "--steps", 400, "--checkpoint-every", 10, "--quiet")
        ranks = [self.start("train", *flags, env=port | env(rank)) for rank in range(2)]
        self.wait_for_checkpoint("run", ranks[0])
        for process, number in zip(ranks, (signal.SIGHUP, signal.SIGUSR1)):
            process.send_signal(number)
        results = [self.finish(process) for process in ranks]
        self.assertEqual([result[0] for result in results], [4, 4], results)
        results = self.start_ranks("--resume", "run", env=env)
        self.assertEqual([result[0] for result in results], [0, 0], results)
        self.assertIn("\nresuming at step ", results[0][2])
        self.assertEqual(self.summary("run")["steps"], 400)


if __name__ == "__main__":
    unittest.main()
