"""Which directions of a layer's weights the generalisation gap comes from."""

import json
import unittest

from program import ProgramTest


class Duality(ProgramTest):
    def test_the_contributions_are_the_gap(self):
        self.train("run", "--model", "mlp-4-3", "--steps", 12)
        said = self.succeed("duality", "run", "--directions", 4, "--quiet")
        self.assertIn("run, layer fc3, 30 weights: gap ", said)
        self.assertIn("others", said)
        flags = ("--directions", 30, "--samples", 0, "--layer", "fc3", "--json", "--quiet")
        found = json.loads(self.succeed("duality", "run", *flags))["runs"][0]
        self.assertEqual(found["pairs"] + found["left_out"], 100)
        self.assertGreater(len(found["directions"]), 20)
        total = sum(d["contribution"] for d in found["directions"])
        self.assertAlmostEqual(total + found["rest"], found["gap"], 9)
        for d in found["directions"]:
            self.assertAlmostEqual(d["correlation"] * d["sigma_w"] * d["sigma_g"] + d["mean_w"] * d["mean_g"],
                                   d["contribution"])  # fmt: skip
        self.refuse("--layer: no dense layer with a bias is called 'fc9'; there are fc1, fc2, fc3", "duality", "run",
                    "--layer", "fc9", "--quiet")  # fmt: skip
        self.refuse("--directions must be at least 1, got 0", "duality", "run", "--directions", 0)


if __name__ == "__main__":
    unittest.main()
