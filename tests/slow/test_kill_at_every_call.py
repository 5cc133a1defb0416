"""A training killed at every single system call by which it writes its checkpoints: the last whole one loads,
and the run ends with the bits of one that nobody killed."""

import collections
import re
import shutil
import subprocess
import unittest

from program import TIMEOUT, VALLEY, ProgramTest, environment

CALLS = "openat,write,pwrite64,writev,fsync,fdatasync,rename,renameat,renameat2,mkdir,unlink,unlinkat,ftruncate,close,rmdir"
RUN = ("train", "--data", "blobs", "--train-samples", 64, "--test-samples", 32, "--batch-size", 8, "--model", "mlp",
       "--workers", 1, "--threads", 1, "--steps", 6, "--checkpoint-every", 2, "--keep-checkpoints", 2,
       "--evaluate-every", 0, "--quiet")  # fmt: skip


class KillAtEveryCall(ProgramTest):
    def traced(self, out, *options):
        """The run under strace; its exit status."""
        command = ["strace", "-f", "-qq", "-y", "-o", "trace", f"--trace={CALLS}", *options, VALLEY, *map(str, RUN), "--out", out]
        return subprocess.run(command, cwd=self.folder, env=environment(), capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=TIMEOUT).returncode  # fmt: skip

    def calls_on_checkpoints(self):
        """(name, the how manieth of that name in its thread, the line) of each that touches a checkpoint."""
        counts = collections.Counter()
        for line in (self.folder / "trace").read_text().splitlines():
            found = re.match(r"(\d+) +(\w+)\(", line)
            if not found:
                continue
            counts[found.groups()] += 1
            if "/checkpoints" in line:
                yield found[2], counts[found.groups()], line

    def test_each(self):
        self.assertEqual(self.traced("whole"), 0)
        model = self.model("whole")
        calls = list(self.calls_on_checkpoints())
        self.assertGreater(len(calls), 60)
        killed = 0
        for number, (name, ordinal, line) in enumerate(calls):
            with self.subTest(number=number, call=line[:120]):
                out = f"run-{number}"
                status = self.traced(out, f"--inject={name}:signal=KILL:when={ordinal}")
                self.assertNotEqual(status, 0)
                killed += 1
                names = [p.name for p in (self.folder / out / "checkpoints").glob("*/manifest.json")]
                code, _, err = self.run_valley("train", "--resume", out)
                self.assertEqual(code, 0, err)
                self.assertEqual(bool(names), "resuming at step" in err, err)
                self.assertNotIn("damaged", err)
                self.assertEqual(self.model(out), model)
            shutil.rmtree(self.folder / out)
        print(f"killed at {killed} calls", flush=True)


if __name__ == "__main__":
    unittest.main()
