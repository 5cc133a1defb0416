"""A group knows who belongs to it: workers that differ, and workers of another job."""

import struct
import time
import unittest

from program import TIMEOUT, ProgramTest, snapshot, with_flags
from test_processes import free_port

FLAGS = ("--data", "blobs", "--train-samples", 100, "--test-samples", 50, "--model", "mlp-8-8",
         "--threads", 1, "--steps", 4, "--evaluate-every", 0, "--timeout", 120, "--quiet")  # fmt: skip


class Agreement(ProgramTest):
    def setUp(self):
        super().setUp()
        self.port = str(free_port())

    def worker(self, rank, *flags, size=2, env=None):
        return self.start("train", *with_flags(FLAGS, *flags), env={
            "RANK": str(rank), "WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": self.port} | (env or {}))  # fmt: skip

    def refused(self, message, *flags):
        """Workers with these flags all end with 2 and this line, and write nothing."""
        before = snapshot(self.folder)
        workers = [self.worker(rank, "--out", "run", *own) for rank, own in enumerate(flags)]
        for worker in workers:
            code, out, err = self.finish(worker)
            self.assertEqual((code, out), (2, ""), err)
            self.assertRegex(err, rf"^valley: {message}\n$")
        self.assertEqual(snapshot(self.folder), before)

    def test_settings(self):
        agree = "; the workers of a run must agree on it"
        self.refused(rf"algorithm: dppf on rank 0, local-sgd on rank 1{agree}",
                     (), ("--algorithm", "local-sgd", "--seed", 7))  # fmt: skip

    def test_what_one_cannot_load(self):
        self.refused(r"(rank 1: )?data file nothing/.* is missing; .*",
                     ("--data", f"mnist:{self.mnist('a')}", "--train-samples", 0, "--test-samples", 0),
                     ("--data", "mnist:nothing", "--train-samples", 0, "--test-samples", 0))  # fmt: skip

    def mnist(self, name, changed=0):
        """A small set in MNIST's format; its folder."""
        folder = self.folder / name
        folder.mkdir()
        for split, count in (("train", 40), ("t10k", 20)):
            pixels = bytearray(range(256)) * (count * 784 // 256 + 1)
            pixels[5] += changed
            (folder / f"{split}-images-idx3-ubyte").write_bytes(
                struct.pack(">4i", 0x803, count, 28, 28) + pixels[: count * 784])  # fmt: skip
            (folder / f"{split}-labels-idx1-ubyte").write_bytes(
                struct.pack(">2i", 0x801, count) + bytes(i % 10 for i in range(count)))  # fmt: skip
        return folder

    def test_data(self):
        whole = ("--train-samples", 0, "--test-samples", 0, "--batch-size", 4)
        flags = [("--data", f"mnist:{self.mnist(name, changed)}", *whole)
                 for name, changed in (("a", 0), ("b", 1))]  # fmt: skip
        self.refused("training data, checksum: [0-9a-f]{8} on rank 0, [0-9a-f]{8} on rank 1; "
                     "the workers of a run must agree on it", *flags)  # fmt: skip
        workers = [self.worker(rank, "--out", "run", *own, "--own-data")
                   for rank, own in enumerate(flags)]  # fmt: skip
        self.assertEqual([self.finish(worker) for worker in workers], [(0, "", "")] * 2)

    def test_a_worker_of_another_job(self):
        """It is sent away; the job that it met goes on, with a worker's own affairs its own."""
        ours = {"SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0", "SLURM_NTASKS": "2"}
        first = self.worker(0, "--out", "run", env=ours | {"SLURM_PROCID": "0"})
        stranger = self.worker(1, "--out", "other",
                               env=ours | {"SLURM_PROCID": "1", "SLURM_JOB_ID": "8"})  # fmt: skip
        self.assertEqual(self.finish(stranger), (
            2, "", f"valley: rank 1 of job srun 8.0 met the workers of job srun 7.0 at "
                   f"127.0.0.1:{self.port}; give every job a MASTER_PORT of its own\n"))  # fmt: skip
        second = self.worker(1, "--timeout", 60, "--out", "elsewhere", env=ours | {"SLURM_PROCID": "1"})
        self.assertEqual([self.finish(first), self.finish(second)], [(0, "", "")] * 2)
        self.assertFalse((self.folder / "other").exists())

    def test_one_rank_twice(self):
        """Two jobs without a name: the second worker of a rank is sent away."""
        first = self.worker(0, "--out", "run", size=3)
        second = self.worker(1, "--out", "run", size=3)
        again = self.worker(1, "--out", "run", size=3)
        end = time.monotonic() + TIMEOUT
        while second.poll() is None and again.poll() is None and time.monotonic() < end:
            time.sleep(0.01)
        loser = second if second.poll() is not None else again
        code, out, err = self.finish(loser)
        self.assertEqual((code, out), (2, ""), err)
        self.assertRegex(err, rf"^valley: rank 1 has joined at 127.0.0.1:{self.port} already, from ")
        third = self.worker(2, "--out", "run", size=3)
        winner = again if loser is second else second
        results = [self.finish(worker) for worker in (first, winner, third)]
        self.assertEqual(results, [(0, "", "")] * 3)


if __name__ == "__main__":
    unittest.main()
