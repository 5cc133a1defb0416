"""Every recipe runs, a few steps of it; and what the demonstration found still happens."""

import json
import pathlib
import statistics
import unittest

from program import ProgramTest

RECIPES = pathlib.Path(__file__).resolve().parent.parent.parent / "recipes"


class Recipes(ProgramTest):
    def test_every_recipe_runs(self):
        recipes = sorted(RECIPES.glob("*.toml"))
        self.assertTrue(recipes)
        for recipe in recipes:
            self.succeed("train", "--config", recipe, "--steps", 3, "--quiet", "--threads", 1,
                         "--out", recipe.stem)  # fmt: skip
            self.assertEqual(self.summary(recipe.stem)["status"], "finished")

    # A fixed data seed and learning rate: no evidence, docs/results.md has that, but whoever breaks
    # a method will see it here.
    def losses(self, rate, *flags):
        values = []
        for seed in (6, 7, 8):
            out = self.succeed("train", "--config", RECIPES / "dpsgd-demonstration.toml", "--quiet",
                               "--json", "--threads", 1, "--lr", rate, "--seed", seed, *flags,
                               "--out", f"{len(list(self.folder.iterdir()))}")  # fmt: skip
            values.append(json.loads(out)["train_loss"])
        return values

    def test_decentralised_sgd_trains_where_synchronous_sgd_fails(self):
        ssgd = self.losses(LARGE_RATE, "--algorithm", "ssgd")
        ring = self.losses(LARGE_RATE)
        self.assertGreater(statistics.median(ssgd), 0.5)
        self.assertLess(statistics.median(ring), statistics.median(ssgd) / 2)

    def test_at_a_small_learning_rate_all_agree(self):
        ssgd = statistics.median(self.losses(0.4, "--algorithm", "ssgd"))
        for flags in ([], ["--mixing", "awc"], ["--topology", "matching", "--mixing", "awc"]):
            ratio = statistics.median(self.losses(0.4, *flags)) / ssgd
            self.assertTrue(0.75 < ratio < 1.25, (flags, ratio))


LARGE_RATE = 2.0

if __name__ == "__main__":
    unittest.main()
