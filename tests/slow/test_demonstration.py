"""The drivers of the recipes with real trainings, and what the demonstration found, over seeds."""

import json
import statistics
import unittest

from program import ProgramTest
from test_recipes import LARGE_RATE, RECIPES, DriverTest, write_cifar10


class Drivers(DriverTest):
    def test_the_demonstration(self):
        out = self.drive("dpsgd_demonstration.py", "--data-seeds", 1, "--rates", 1, "--seeds", 1,
                         "--also=--workers 2 --train-samples 200 --test-samples 100")  # fmt: skip
        self.assertIn("\n| data seed | learning rate | ssgd | dpsgd ring atc |", out)
        self.assertIn("\n| 1 | 0.4 | ", out)  # three steps are too few for anybody

    def test_the_comparison_of_pushes_goes_on_where_it_stopped(self):
        flags = ("--recipe", "dirichlet.toml", "--seeds", 1, "--methods", "local-sgd;dppf",
                 "--also=--model mlp-4-4 --test-samples 100", "--keep", "kept.json")  # fmt: skip
        first = self.drive("dppf_comparison.py", *flags)
        self.assertRegex(first, r"\n\| dppf \| push 0\.5 constant \| ")
        kept = json.loads((self.folder / "kept.json").read_text())
        self.assertEqual(len(kept), 2 * 4 + 2)
        again = self.drive("dppf_comparison.py", *flags)
        self.assertEqual(again, first[first.index("\n|") :])  # the tables; no run

    def test_cifar10(self):
        data = write_cifar10(self.folder / "images")
        out = self.drive("cifar10.py", "--data", data, "--seeds", 1,
                         "--also=--train-samples 160 --test-samples 20 --model mlp-4-4")  # fmt: skip
        self.assertRegex(out, r"\n\| dppf \| \d")


class Demonstration(ProgramTest):
    def losses(self, rate, *flags):
        values = []
        for seed in (6, 7, 8):
            out = self.succeed("train", "--config", RECIPES / "dpsgd-demonstration.toml", "--quiet",
                               "--json", "--threads", 1, "--lr", rate, "--seed", seed, *flags,
                               "--out", f"{len(list(self.folder.iterdir()))}")  # fmt: skip
            values.append(json.loads(out)["train_loss"])
        return statistics.median(values)

    def test_decentralised_sgd_trains_where_synchronous_sgd_fails(self):
        ssgd = self.losses(LARGE_RATE, "--algorithm", "ssgd")
        self.assertGreater(ssgd, 0.5)
        self.assertLess(self.losses(LARGE_RATE), ssgd / 2)

    def test_at_a_small_learning_rate_all_agree(self):
        ssgd = self.losses(0.4, "--algorithm", "ssgd")
        for flags in ([], ["--mixing", "awc"], ["--topology", "matching", "--mixing", "awc"]):
            ratio = self.losses(0.4, *flags) / ssgd
            self.assertTrue(0.75 < ratio < 1.25, (flags, ratio))


if __name__ == "__main__":
    unittest.main()
