"""A disk that is full: one line, and what was there before stays usable."""

import re
import resource
import subprocess
import unittest

from program import TINY, ProgramTest

# A checkpoint of one worker is about 0.9 MB: parameters and momentum, 109386 floats each.
FLAGS = ("train", *TINY, "--steps", 60, "--checkpoint-every", 10, "--evaluate-every", 0, "--quiet")


class FullDisk(ProgramTest):
    def reference(self):
        self.train("reference", *FLAGS[1 + len(TINY) : -1])
        return self.model("reference")

    def assert_stopped(self, result, file, reason):
        code, out, err = result
        self.assertEqual((code, out), (3, ""))
        self.assertRegex(err, rf"\Avalley: cannot write {file}: {re.escape(reason)}; "
                              r"go on with: valley train --resume (disk/)?run\n\Z")  # fmt: skip
        self.assertEqual(list(self.folder.rglob("*.tmp")), [])

    def test_limit_on_the_size_of_files(self):
        limit = 500_000  # more than the records of the run, less than a checkpoint

        def set_limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        result = self.run_valley(*FLAGS, "--out", "run", preexec_fn=set_limit)
        self.assert_stopped(result, r"run/checkpoints/step-00000010/worker-[01]\.safetensors",
                            "File too large")  # fmt: skip
        self.assertEqual(self.checkpoints("run"), [])
        self.succeed("train", "--resume", "run", "--quiet")
        self.assertEqual(self.model("run"), self.reference())

    def test_full_disk(self):
        disk = self.folder / "disk"
        disk.mkdir()
        size = ["-o", "size=4500k"]  # room for two checkpoints of two workers, not for three
        mount = subprocess.run(["mount", "-t", "tmpfs", *size, "tmpfs", disk], capture_output=True)
        if mount.returncode != 0:
            self.skipTest("no permission to mount a small disk")
        self.addCleanup(subprocess.run, ["umount", "-l", disk], check=True)

        result = self.run_valley(*FLAGS, "--out", "disk/run")
        self.assert_stopped(result, "disk/run/checkpoints/step-000000[0-9]{2}/[^ ]*",
                            "No space left on device")  # fmt: skip
        kept = self.checkpoints("disk/run")
        self.assertEqual(kept, [10, 20])

        subprocess.run(["mount", "-o", "remount,size=50m", disk], check=True)
        self.succeed("train", "--resume", "disk/run", "--quiet")
        self.assertEqual(self.model("disk/run"), self.reference())


if __name__ == "__main__":
    unittest.main()
