"""valley dynamics: forces and widths by round, noise and smoothed loss at the end, what it refuses."""

import json
import math
import unittest

from program import TINY, ProgramTest, read_json

FEW = ("--samples", 60, "--draws", 3)


class Dynamics(ProgramTest):
    def train_many(self, out, workers, *arguments):
        self.succeed("train", *TINY[:-4], "--workers", workers, "--threads", 1, "--quiet",
                     "--out", out, *arguments)  # fmt: skip

    def dynamics(self, *arguments):
        return json.loads(self.succeed("dynamics", *arguments, "--json", "--quiet"))["runs"]

    def test_rounds(self):
        self.train_many("a", 3, "--algorithm", "dppf", "--pull", 0.2, "--push", 0.6, "--steps", 21)
        text = self.succeed("dynamics", "a", *FEW, "--quiet")
        self.assertTrue(text.startswith("a: dppf, 3 workers, mlp on blobs\n\nat rounds "))
        for row in ("valley width", "predicted width", "potential V", "worker 2", "alpha_e / alpha",
                    "Delta / alpha^2", "||zeta_S||^2", "||zeta_2||^2", "sigma_w^2",
                    "consensus distance", "smoothed loss, sigma "):  # fmt: skip
            self.assertIn("\n" + row, text)
        self.assertRegex(text, r"\n60 of 200 training examples, seed 0, .* written to a/dynamics.json\n\Z")

        run = read_json(self.folder / "a/dynamics.json")
        (again,) = self.dynamics("a", *FEW)
        self.assertEqual(again["effective_rate"]["delta"], run["effective_rate"]["delta"])
        self.assertEqual(again["smoothed"]["curvature"], run["smoothed"]["curvature"])
        (other,) = self.dynamics("a", *FEW, "--seed", 1, "--sigma", 0.02)
        self.assertNotEqual(other["effective_rate"]["delta"], run["effective_rate"]["delta"])

        self.assertEqual(run["rounds"], 5)
        series = {one["name"]: one for one in run["series"]}
        rounds = [line for line in self.metrics("a") if "round" in line]
        self.assertEqual(series["valley width"]["x"], [4, 8, 12, 16, 20])
        self.assertEqual(series["valley width"]["y"], [line["valley_width"] for line in rounds])
        for i, line in enumerate(rounds):
            r = line["distances"]
            self.assertAlmostEqual(series["pull length"]["y"][i], 0.2 * sum(r) / 3, 9)
            self.assertAlmostEqual(series["push length"]["y"][i], 0.6, 9)
            self.assertAlmostEqual(series["predicted width"]["y"][i], 3, 9)
            self.assertAlmostEqual(
                series["potential V"]["y"][i], sum(0.1 * x * x - 0.6 * x for x in r), 9)

        spread, rate = run["spread"], run["effective_rate"]
        self.assertAlmostEqual(
            sum(spread["distances"]) / 3, self.summary("a")["valley_width"], 5)
        self.assertAlmostEqual(
            spread["sigma_w_squared"], sum(r * r for r in spread["distances"]) / 3, 9)
        self.assertAlmostEqual(spread["consensus_distance"], spread["sigma_w_squared"] ** 0.5, 9)
        self.assertAlmostEqual(spread["sigma_per_parameter"],
                               (spread["sigma_w_squared"] / run["parameters"]) ** 0.5, 9)
        # Three directions whose weighted sum is 0 go once around.
        angles = spread["angles"]
        self.assertAlmostEqual(angles[0][1] + angles[1][2] + angles[2][0], 360, 2)
        self.assertEqual((angles[0][1], angles[1][1]), (angles[1][0], 0))
        self.assertAlmostEqual(
            rate["delta_over_alpha_squared"]["value"],
            sum(rate[f"delta_of_{part}"]["value"] for part in ("zeta_s", "zeta_2", "both")), 9)
        self.assertGreater(rate["zeta_2_squared"]["value"], 0)
        self.assertEqual(run["smoothed"]["sigma"], spread["sigma_per_parameter"])
        self.assertEqual(other["smoothed"]["sigma"], 0.02)
        for curvature in other["smoothed"]["curvature"].values():
            self.assertLess(abs(curvature["of_smoothed_loss"]["value"]), curvature["bound"])

    def test_full_batch_ssgd_has_the_rate_itself(self):
        self.train("s", "--algorithm", "ssgd", "--steps", 4, "--batch-size", 100)
        (run,) = self.dynamics("s", "--samples", 0, "--draws", 2)
        rate = run["effective_rate"]
        self.assertAlmostEqual(rate["alpha_e_over_alpha"]["value"], 1, 5)
        self.assertAlmostEqual(rate["delta_over_alpha_squared"]["value"], 0, 9)
        self.assertEqual(rate["zeta_2_squared"]["value"], 0)
        self.assertNotIn("smoothed", run)
        self.assertEqual(run["notes"], [
            "ssgd has no rounds: no pull, push or potential",
            "all workers are at the average: no angles, and nothing that a spread adds",
            "no spread to smooth the loss with: give sigma",
        ])  # fmt: skip

    def test_decentralised(self):
        self.train_many("d", 4, "--algorithm", "dpsgd", "--mixing", "awc", "--lr", 0.2,
                        "--steps", 12, "--partition", "shards:2")  # fmt: skip
        (run,) = self.dynamics("d", *FEW)
        self.assertEqual([one["name"] for one in run["series"]], ["valley width"])
        self.assertEqual(run["rounds"], 0)
        self.assertGreater(run["effective_rate"]["zeta_s_squared"]["value"], 0)
        self.assertTrue(math.isfinite(run["smoothed"]["smoothed_loss"]["value"]))
        self.succeed("report", "d", "--out", "d.html")
        self.assertIn("distance from the average", (self.folder / "d.html").read_text())

    def test_one_worker(self):
        self.train_many("one", 1, "--algorithm", "ssgd", "--steps", 4)
        text = self.succeed("dynamics", "one", *FEW, "--quiet")
        self.assertIn("\none worker: spread and angles need two\n", text)
        self.assertIn("\nalpha_e / alpha ", text)
        text = self.succeed("dynamics", "one", *FEW, "--quiet", "--sigma", 0.01)
        self.assertIn("\nsmoothed loss, sigma 0.01 ", text)

    def test_batch_norm(self):
        """Losses may have statistics of their own; what is made of gradients has the average's."""
        self.succeed("train", "--data", "blobs", "--train-samples", 40, "--test-samples", 10,
                     "--model", "resnet-8", "--workers", 2, "--steps", 3, "--push", 0.5, "--threads", 1,
                     "--batch-size", 8, "--quiet", "--out", "bn")  # fmt: skip
        few = ("--samples", 20, "--draws", 2, "--sigma", 0.05)
        (average,) = self.dynamics("bn", *few)
        (probe,) = self.dynamics("bn", *few, "--batch-norm", "probe")
        self.assertEqual((average["batch_norm"], probe["batch_norm"]), ("average", "probe"))
        for get in (
            lambda run: run["loss"],
            lambda run: run["spread"]["losses"],
            lambda run: run["smoothed"]["smoothed_loss"]["value"],
        ):
            self.assertNotEqual(get(average), get(probe))
        for run, passes in ((average, 1), (probe, 2)):
            self.assertEqual(run["spread"]["passes"], 2 * passes)
            self.assertEqual(run["smoothed"]["passes"], 19 * passes)
        for figure in ("alpha_e_over_alpha", "zeta_2_squared"):
            self.assertEqual(
                average["effective_rate"][figure], probe["effective_rate"][figure], figure)

    def test_several(self):
        for seed in (0, 1):
            self.trained(f"all/{seed}", "--steps", 4, "--seed", seed)
        self.assertEqual([run["run_seed"] for run in self.dynamics("all", *FEW)], [0, 1])
        self.assertTrue((self.folder / "all/1/dynamics.json").exists())

    def test_refused(self):
        self.trained("a", "--steps", 4, "--seed", 0)
        for message, *flags in [
            ("give the folders of finished runs",),
            ("b is no run folder: there is no such folder", "b"),
            ("a/ is given twice", "a", "a/"),
            ("--samples must be at least 0, got -1", "a", "--samples=-1"),
            ("--samples 1 are fewer than the 2 workers of a", "a", "--samples", 1),
            ("--draws must be at least 2, got 1", "a", "--draws", 1),
            ("--draws must be a whole number, got 'x'", "a", "--draws", "x"),
            ("--sigma must be at least 0, got -1", "a", "--sigma=-1"),
            ("unknown --batch-norm 'all'; known: average, probe", "a", "--batch-norm", "all"),
            ("--seed must be at least 0, got -1", "a", "--seed=-1"),
            ("--workers must be in [0, 1024], got 1025", "a", "--workers", 1025),
        ]:  # fmt: skip
            with self.subTest(message):
                self.refuse(message, "dynamics", *flags)
        path = self.folder / "a" / "summary.json"
        summary = read_json(path)
        path.write_text(json.dumps(summary | {"status": "interrupted"}))
        self.refuse("a is not finished, it was interrupted after step 4; valley train --resume a "
                    "goes on", "dynamics", "a")  # fmt: skip


if __name__ == "__main__":
    unittest.main()
