"""Workers that each keep a part of the training set: what is shown, recorded and resumed."""

import re
import unittest

from program import TINY, ProgramTest, read_json

PARTED = (*TINY, "--partition", "dirichlet:0.3")
TABLE = re.compile(r"(?m)^worker +samples +class 0 +1 .*\n(?: +\d+ +100(?: +\d+){10}\n){2}")


class Partition(ProgramTest):
    def counts(self, out):
        return read_json(self.folder / out / "partition.json")

    def test_shown_and_recorded(self):
        code, out, err = self.run_valley("train", *PARTED, "--steps", 2, "--out", "run")
        self.assertEqual(code, 0, err)
        self.assertRegex(err, TABLE)
        record = self.counts("run")
        self.assertEqual((record["partition"], record["seed"], record["workers"]),
                         ("dirichlet:0.3", 0, 2))  # fmt: skip
        counts = record["class_counts"]
        self.assertEqual([sum(row) for row in counts], [100, 100])
        self.assertEqual([sum(column) for column in zip(*counts)], [20] * 10)
        rows = [[int(n) for n in line.split()] for line in err.splitlines()[1:3]]
        self.assertEqual([row[2:] for row in rows], counts)

    def test_silent(self):
        for flag in ("--quiet", "--json"):
            code, out, err = self.run_valley("train", *PARTED, "--steps", 2, flag)
            self.assertEqual(code, 0, err)
            self.assertNotIn("samples  class", out + err)
        code, out, err = self.run_valley("train", *TINY, "--steps", 2, "--out", "iid")
        self.assertNotIn("samples  class", out + err)
        self.assertFalse((self.folder / "iid" / "partition.json").exists())

    def test_resumes(self):
        for partition in ("dirichlet:0.3", "shards:3"):
            self.train(partition, "--partition", partition, "--steps", 12, "--checkpoint-every", 7)
            model, counts = self.model(partition), self.counts(partition)
            self.break_off(partition, 7)
            (self.folder / partition / "partition.json").unlink()
            self.succeed("train", "--resume", partition, "--quiet")
            self.assertEqual(self.model(partition), model)
            self.assertEqual(self.counts(partition), counts)

    def test_processes_have_the_parts_of_threads(self):
        flags = ("train", *PARTED, "--steps", 5, "--algorithm", "ssgd")
        self.succeed(*flags, "--out", "threads")
        code, out, err = self.run_valley(*flags, "--launch", "processes", "--out", "processes")
        self.assertEqual(code, 0, err)
        self.assertEqual(len(TABLE.findall(err)), 1)
        self.assertEqual(self.counts("processes"), self.counts("threads"))
        self.assertAlmostEqual(self.summary("processes")["train_loss"],
                               self.summary("threads")["train_loss"], 4)  # fmt: skip

    def test_cannot_change(self):
        self.train("run", "--steps", 2)
        for flag, value in (("--partition", "shards:2"), ("--data-seed", 3)):
            self.refuse(f"{flag} cannot change in a run that is resumed; for a new run: valley train "
                        f"--config run/config.toml {flag} ... --out FOLDER",
                        "train", "--resume", "run", flag, value)  # fmt: skip


if __name__ == "__main__":
    unittest.main()
