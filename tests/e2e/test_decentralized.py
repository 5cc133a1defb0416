"""Decentralised methods from the outside: graphs, orders, what they cost, what they refuse."""

import unittest

from program import TINY, ProgramTest

ALONE = TINY[: TINY.index("--workers")] + TINY[TINY.index("--workers") + 2 :]
FOUR = [*ALONE, "--workers", 4, "--batch-size", 16, "--steps", 6, "--quiet"]


class Decentralized(ProgramTest):
    def run_of(self, name, *flags):
        self.succeed("train", *FOUR, "--out", name, *flags)
        return self.summary(name)

    def runs_of(self, *methods):
        """The summaries of trainings that differ in these, by one program."""
        self.succeed("compare", *FOUR, "--algorithms", ",".join(methods), "--seeds", 0, "--out", "runs")
        return [self.summary(f"runs/{method}-seed0") for method in methods]

    def test_bytes_are_those_of_the_graph(self):
        steps_and_average = {
            "ring": 6 * 2 + 1,
            "one-peer-exponential": 6 * 1 + 1,
            "complete": 6 * 1 + 1,  # one all-reduce
            "hypercube": 6 * 2 + 1,
        }
        ssgd, choco, *others = self.runs_of("ssgd", "choco+compress=sign", *(
            f"dpsgd+topology={topology}" for topology in steps_and_average))  # fmt: skip
        vector = ssgd["comm_bytes_per_worker"] / 6
        for (topology, vectors), summary in zip(steps_and_average.items(), others):
            self.assertEqual(summary["comm_bytes_per_worker"], vectors * vector, topology)
        self.assertLess(choco["comm_bytes_per_worker"], 2 * vector)

    def test_orders_differ_and_threads_are_processes(self):
        awc, atc, cta = self.runs_of(*(f"dpsgd+mixing={mixing}" for mixing in ("awc", "atc", "cta")))
        # cta's workers stand where atc's stood half a step before: the means are the same.
        self.assertAlmostEqual(cta["train_loss"], atc["train_loss"], places=5)
        self.assertNotAlmostEqual(awc["train_loss"], atc["train_loss"], places=5)
        processes = self.run_of("processes", "--algorithm", "dpsgd", "--mixing", "awc",
                                "--launch", "processes")  # fmt: skip
        # The final average alone sums in another order.
        self.assertAlmostEqual(processes["train_loss"], awc["train_loss"], places=5)
        self.assertEqual(processes["comm_bytes_per_worker"], awc["comm_bytes_per_worker"])

    def test_sam_composes(self):
        plain, sam, adaptive = self.runs_of("ssgd", "ssgd+sam=0.5", "ssgd+sam=0.5+sam-adaptive=true")
        self.assertEqual(sam["comm_bytes_per_worker"], plain["comm_bytes_per_worker"])
        self.assertEqual(len({s["train_loss"] for s in (plain, sam, adaptive)}), 3)

    def test_sam_and_graphs_resume(self):
        flags = ["--algorithm", "gradient-tracking", "--topology", "one-peer-exponential",
                 "--mixing", "awc", "--sam", 0.1, "--momentum", 0]  # fmt: skip
        self.run_of("whole", *flags)
        self.run_of("part", *flags, "--checkpoint-every", 4)
        self.break_off("part", 4)
        self.succeed("train", "--resume", "part", "--quiet")
        self.assertEqual(self.model("part"), self.model("whole"))

    def test_refusals(self):
        train = ["train", *ALONE, "--steps", 2, "--workers", 6]
        for text, flags in (
            ("--topology hypercube needs a power of two workers, got 6",
             ["--algorithm", "dpsgd", "--topology", "hypercube"]),
            ("--topology ring with 6 workers has lambda_min -0.333333; d2 needs more than -1/3 "
             "(--lazy mixes with (I + P) / 2)", ["--algorithm", "d2"]),
            ("unknown mixing order 'act'; did you mean 'awc'? known: awc, atc, cta",
             ["--algorithm", "dpsgd", "--mixing", "act"]),
            ("--mixing cta is not a form of gradient-tracking: awc or atc",
             ["--algorithm", "gradient-tracking", "--mixing", "cta"]),
            ("--compress top-k needs the share that is sent: top-k:0.1",
             ["--algorithm", "choco", "--compress", "top-k"]),
            ("--sam must be at least 0, got -1", ["--sam", -1]),
            ("--noise must be at least 0, got -1", ["--algorithm", "ssgd-noise", "--noise", -1]),
            ("--moving-rate must be in (0, 1], got 2", ["--algorithm", "easgd", "--moving-rate", 2]),
        ):  # fmt: skip
            self.refuse(text, *train, *flags)
        matrix = self.folder / "weights.txt"
        matrix.write_text("0.5 0.5\n0.4 0.6\n")
        code, out, err = self.run_valley("train", *TINY, "--steps", 2, "--algorithm", "dpsgd",
                                         "--topology", f"matrix:{matrix}")  # fmt: skip
        self.assertEqual((code, out, err.count("\n")), (2, "", 1))
        self.assertIn("weights.txt", err)
        self.assertFalse((self.folder / "runs").exists())


if __name__ == "__main__":
    unittest.main()
