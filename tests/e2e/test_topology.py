"""valley topology: what a graph costs and how fast it mixes, its picture, and what it refuses."""

import json
import unittest
import xml.etree.ElementTree

from program import ProgramTest

SVG = "{http://www.w3.org/2000/svg}"

RING = """\
ring                         16 workers
---------------------------  ------------------------------------
changes                      never
edges                        undirected
messages a step and worker   2
bytes a step and worker      8.00 MB for 1,000,000 float32 values
of what an all-reduce sends  1.07
spectral gap 1 - rho         0.05075 (rho = 0.9493)
lambda_min                   -0.3333
steps to consensus           133 to 1e-3, 266 to 1e-6

on a quadratic     stable while lr * curvature <  of ssgd's
-----------------  -----------------------------  ---------
ssgd; atc and cta                              2      100 %
awc                                       0.6667       33 %

WARNING: mixing awc bears learning rates only below 0.6667 / curvature, 33 % of what ssgd, \
atc and cta bear
D2 needs lambda_min > -1/3, which does not hold; that of (I + P) / 2 is 0.3333
"""


STRAGGLER = """
worker 0 10 times slower  steps a second  of ssgd's
------------------------  --------------  ---------
ssgd                                 1.6          1
dpsgd                              1.604          1
ad-psgd                             15.1       9.44
"""


class Topology(ProgramTest):
    def facts(self, *arguments):
        return json.loads(self.succeed("topology", *arguments, "--json"))

    def test_ring(self):
        self.assertEqual(self.succeed("topology", "ring", "--workers", 16), RING)

    def test_straggler(self):
        ring = ("topology", "ring", "--straggler", 10)
        self.assertIn(STRAGGLER, self.succeed(*ring, "--workers", 16))
        self.assertIn("\nad-psgd                                -  needs one undirected graph of "
                      "two sides\n", self.succeed(*ring, "--workers", 15))  # fmt: skip
        facts = self.facts("star", "--workers", 4, "--straggler", 2, "--message", 0.5)["straggler"]
        self.assertEqual((facts["times_slower"], facts["message_seconds"]), (2, 0.5))
        self.assertAlmostEqual(facts["steps_per_second"]["ssgd"], 4 / 2.5)
        self.assertNotIn("straggler", self.facts("ring"))

    def test_every_row(self):
        for name in self.names("topologies").split(", "):
            if name in ("matrix", "edges", "edges-directed"):
                continue
            with self.subTest(name):
                facts = self.facts(name, "--workers", 8)
                self.assertEqual((facts["topology"], facts["workers"]), (name, 8))
                self.assertGreater(facts["steps_to_consensus"]["1e-6"], 0)

    def test_json(self):
        facts = self.facts("hypercube", "--workers", 8, "--values", 1000)
        self.assertAlmostEqual(facts["rho"], 0.5)
        self.assertAlmostEqual(facts["spectral_gap"], 0.5)
        self.assertAlmostEqual(facts["lambda_min"], -0.5)
        self.assertAlmostEqual(facts["stable_below"]["awc"], 0.5)
        self.assertEqual(facts["messages"], {"fewest": 3, "most": 3, "mean": 3})
        self.assertEqual(facts["bytes"], {"mean": 12000, "most": 12000, "all_reduce": 7000})
        self.assertEqual(facts["cycle"], 1)
        self.assertFalse(facts["directed"])
        self.assertIsNone(facts["exact_after"])

    def test_changing(self):
        text = self.succeed("topology", "one-peer-exponential", "--workers", 8, "--steps", 4)
        self.assertIn("changes                      in a cycle of 3 steps\n", text)
        self.assertIn("exact: any 3 steps in a row bring everyone to the mean\n", text)
        self.assertRegex(text, r"\n   2 +8 +1 +0\n   3 +8 +0\.9239 +0\n")
        steps = self.facts("one-peer-exponential", "--workers", 8, "--steps", 4)["steps"]
        self.assertEqual([step["messages"] for step in steps], [8] * 4)
        self.assertLess(steps[2]["left"], 1e-12)

    def test_random(self):
        one, again, other = (self.facts("matching", "--workers", 5, "--steps", 4, "--seed", seed)
                             for seed in (1, 1, 2))
        self.assertEqual(one, again)
        self.assertNotEqual(one["steps"], other["steps"])
        self.assertAlmostEqual(one["rho"] ** 2, 0.5)
        self.assertIn("an odd number of workers: one rests in every step", one["notes"])

    def test_push_sum(self):
        text = self.succeed("topology", "random-directed", "--workers", 6)
        self.assertIn("only the columns sum to 1: for push-sum", text)
        self.assertNotIn("stable while", text)
        # A message carries the weight of push-sum as well.
        facts = self.facts("random-directed", "--workers", 6, "--values", 10)
        self.assertEqual(facts["bytes"]["mean"], 2 * 44)

    def test_prime_grid(self):
        self.assertIn("13 workers make no rectangle: this is a path\n",
                      self.succeed("topology", "grid", "--workers", 13))
        self.assertIn("13 workers make no rectangle: this is a ring\n",
                      self.succeed("topology", "torus", "--workers", 13))

    def test_one_worker(self):
        text = self.succeed("topology", "ring", "--workers", 1)
        self.assertIn("messages a step and worker  0\n", text)
        self.assertNotIn("WARNING", text)

    def test_matrix(self):
        (self.folder / "swap.txt").write_text("0 1\n1 0\n")
        text = self.succeed("topology", "matrix:swap.txt", "--workers", 2)
        self.assertIn("steps to consensus           never\n", text)
        self.assertIn("WARNING: the workers never agree: ", text)
        self.assertIn("WARNING: mixing awc is stable at no learning rate: ", text)
        (self.folder / "alone.txt").write_text("1 0\n0 1\n")
        text = self.succeed("topology", "matrix:alone.txt", "--workers", 2)
        self.assertIn("WARNING: the workers never agree: ", text)
        self.assertNotIn("mixing awc", text)

    def test_svg(self):
        out = self.succeed("topology", "one-peer-exponential", "--workers", 8, "--svg", "g.svg")
        self.assertTrue(out.endswith("\nwritten to g.svg\n"))
        root = xml.etree.ElementTree.parse(self.folder / "g.svg").getroot()
        self.assertEqual(root.tag, SVG + "svg")
        self.assertEqual(root.find(SVG + "title").text, "one-peer-exponential, 8 workers")
        self.assertTrue(root.find(SVG + "desc").text.startswith("8 workers on a circle. Step 0: "))
        nodes = [c for c in root.iter(SVG + "circle") if c.get("class") == "node"]
        edges = [p for p in root.iter(SVG + "path") if "edge" in p.get("class", "")]
        # Three steps; half of the last one's eight messages go both ways along one line.
        self.assertEqual((len(nodes), len(edges)), (3 * 8, 8 + 8 + 4))
        self.assertEqual(sum("marker-end" in e.attrib for e in edges), 20)
        self.assertEqual(sum("marker-start" in e.attrib for e in edges), 4)

    def test_refused(self):
        known = self.names("topologies")
        self.refuse(f"unknown topology 'rign'; did you mean 'ring'? known: {known}",
                    "topology", "rign")  # fmt: skip
        for message, *flags in [
            ("--topology hypercube needs a power of two workers, got 6",
             "hypercube", "--workers", 6),
            ("--workers must be at least 1, got 0", "ring", "--workers", 0),
            ("--workers must be at most 512 here, got 513", "ring", "--workers", 513),
            ("--workers must be a whole number, got 'x'", "ring", "--workers", "x"),
            ("--seed must be at least 0, got -1", "ring", "--seed=-1"),
            ("--values must be at least 1, got 0", "ring", "--values", 0),
            ("--steps must be at least 0, got -1", "ring", "--steps=-1"),
            ("--topology ring takes nothing after a colon, got '3'", "ring:3"),
            ("--topology matrix needs a file: matrix:PATH", "matrix"),
            ("cannot read w.txt: No such file or directory", "matrix:w.txt"),
            ("unknown argument '--worker'; did you mean '--workers'?", "ring", "--worker", 2),
        ]:  # fmt: skip
            with self.subTest(message):
                self.refuse(message, "topology", *flags)
        self.refuse("give a topology; `valley list topologies` shows all", "topology")

    def test_refused_matrix(self):
        for text, message in [
            ("1 0\n0 .5\n", "every row must sum to 1, row 1 sums to 0.5"),
            ("1.5 -.5\n-.5 1.5\n", "the weights must be >= 0, got -0.5 in row 0, column 1"),
            ("1 0 0\n0 1 0\n", "the matrix must be square; it has 2 rows, line 1 has 3 entries"),
            ("1 0 0\n0 1 0\n0 0 1\n", "the matrix is for 3 workers, --workers is 2"),
        ]:
            with self.subTest(message):
                (self.folder / "w.txt").write_text(text)
                self.refuse(f"--topology matrix:w.txt: {message}",
                            "topology", "matrix:w.txt", "--workers", 2)  # fmt: skip

    def test_no_room_for_the_picture(self):
        self.refuse("cannot write nowhere/g.svg: No such file or directory",
                    "topology", "ring", "--svg", "nowhere/g.svg", code=3)  # fmt: skip


if __name__ == "__main__":
    unittest.main()
