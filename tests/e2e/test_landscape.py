"""valley landscape: planes, lines, their files and pictures, and what it refuses."""

import json
import math
import unittest
import xml.etree.ElementTree

from program import TINY, ProgramTest, read_json

FEW = ("--points", 5, "--samples", 50)
RUN = (*TINY[:-4], "--workers", 3, "--threads", 1, "--steps", 21, "--algorithm", "dppf",
       "--pull", 0.3, "--push", 0.6, "--data-seed", 5)  # fmt: skip


class Landscape(ProgramTest):
    def run_of(self, out, *flags):
        self.made(out, "train", *RUN, *flags)

    def landscape(self, *arguments):
        runs = json.loads(self.succeed("landscape", *arguments, "--json", "--quiet"))["runs"]
        for run in runs:
            folder, name = self.folder / run["run"], "landscape"
            if run["plane"] != "average":
                name += "-" + run["plane"]
            self.assertEqual(read_json(folder / f"{name}.json"), run)
            root = xml.etree.ElementTree.parse(folder / f"{name}.svg").getroot()
            texts = [e.text for e in root.iter("{http://www.w3.org/2000/svg}text")]
            self.assertIn("average", texts)
            self.assertIn("worker 0", texts)
        return runs

    def test_planes(self):
        self.run_of("run")
        (by_default,) = self.landscape("run", *FEW)
        self.assertEqual(by_default["plane"], "average")
        self.assertEqual(len(by_default["x"]), 5)
        self.assertEqual([len(row) for row in by_default["loss"]], [5] * 5)
        points = {p["name"]: p for p in by_default["points"]}
        self.assertEqual(list(points), ["average", "worker 0", "worker 1", "worker 2"])
        self.assertEqual((points["average"]["x"], points["average"]["y"]), (0, 0))
        # The middle of the grid is the average; three workers and their average share a plane.
        self.assertAlmostEqual(by_default["loss"][2][2], points["average"]["loss"], 6)
        self.assertAlmostEqual(by_default["error"][2][2], points["average"]["error"], 6)
        distances = [math.hypot(p["x"], p["y"], p["off_plane"]) for p in points.values()]
        self.assertLess(max(p["off_plane"] for p in points.values()), 1e-4)
        self.assertAlmostEqual(sum(distances[1:]) / 3, self.summary("run")["valley_width"], 4)
        for plane in (("workers", "--through", "2,0,1"), ("spread",), ("random",)):
            with self.subTest(plane):
                (run,) = self.landscape("run", *FEW, "--plane", *plane)
                self.assertEqual(run["plane"], plane[0])
                average = run["points"][0]
                self.assertAlmostEqual(average["loss"], points["average"]["loss"], 6)
        # Each plane has a file of its own, and the report draws them all.
        self.assertEqual(read_json(self.folder / "run/landscape.json"), by_default)
        self.succeed("report", "run", "--out", "run.html")
        page = (self.folder / "run.html").read_text()
        for plane in ("average", "workers", "spread", "random"):
            self.assertIn(f'"plane":"{plane}"', page)
        (test,) = self.landscape("run", "--points", 5, "--split", "test", "--samples", 0,
                                 "--span", 2.5)  # fmt: skip
        self.assertAlmostEqual(test["points"][0]["loss"], self.summary("run")["test_loss"], 5)
        self.assertEqual((test["samples"], test["x"][0], test["x"][-1]), (100, -2.5, 2.5))

    def test_several_runs_share_their_axes(self):
        self.run_of("all/a")
        self.run_of("all/b", "--seed", 1)
        a, b = self.landscape("all", *FEW)
        self.assertEqual(a["x"], b["x"])
        text = self.succeed("landscape", "all", *FEW, "--quiet")
        self.assertRegex(text, r"\Aall/a +x +y  off the plane +loss +error\n")
        self.assertIn("written to all/b/landscape.json and landscape.svg\n", text)

    def test_line(self):
        self.run_of("a")
        self.run_of("b", "--seed", 1)
        line = json.loads(self.succeed("landscape", "a", "b", "--plane", "line", "--points", 7,
                                       "--samples", 0, "--json", "--quiet"))  # fmt: skip
        self.assertEqual([round(t, 12) for t in line["t"]], [-0.25, 0, 0.25, 0.5, 0.75, 1, 1.25])
        for i, t in ((1, "a"), (5, "b")):
            self.assertAlmostEqual(line["loss"][i], self.summary(t)["train_loss"], 5)
        self.assertEqual(line["loss_at_ends"], [line["loss"][1], line["loss"][5]])
        over = [line["loss"][i] - (1 - line["t"][i]) * line["loss"][1]
                - line["t"][i] * line["loss"][5] for i in (2, 3, 4)]  # fmt: skip
        self.assertAlmostEqual(line["barrier"], max(0, *over), 9)
        self.assertTrue((self.folder / "a" / "line.svg").read_text().startswith("<svg "))
        self.assertRegex(self.succeed("landscape", "a", "b", "--plane", "line", *FEW, "--quiet"),
                         r"\Aa to b: distance [\d.]+, loss ")  # fmt: skip

    def test_refused(self):
        self.refuse("give the folders of finished runs", "landscape")
        self.refuse("nowhere is no run folder: there is no such folder", "landscape", "nowhere")
        for message, *flags in (
            ("--points must be at least 2, got 0", "--points", 0),
            ("--points must be at most 501, got 502", "--points", 502),
            ("--span must be at least 0, got -1", "--span", -1),
            ("--samples must be at least 0, got -1", "--samples", -1),
            ("unknown --plane 'spred'; did you mean 'spread'? known: average, workers, spread, "
             "random, line", "--plane", "spred"),
            ("unknown --split 'valid'; known: train, test", "--split", "valid"),
            ("--through: --plane average takes 2 workers, got 3", "--through", "0,1,2"),
            ("--through: --plane spread takes no workers, got 1", "--plane", "spread",
             "--through", "0"),
        ):  # fmt: skip
            with self.subTest(message):
                self.refuse(message, "landscape", "run", *flags)
        self.run_of("run")
        self.refuse("run: there is no worker 3: they are 0 to 2; try --plane random",
                    "landscape", "run", "--through", "0,3")  # fmt: skip
        self.refuse("run/ is given twice", "landscape", "run", "run/")
        self.refuse("--plane line needs two runs, got 1", "landscape", "run", "--plane", "line")
        self.train("two", "--steps", 21, "--algorithm", "dppf", "--push", 0.5)
        self.refuse("two: --plane average needs three workers, there are 2 (two lie in one line "
                    "with their average); try --plane spread or random", "landscape", "two")
        self.train("other", "--steps", 4, "--model", "mlp-8-8")
        self.refuse("--plane line needs two runs of one model, got mlp and mlp-8-8", "landscape",
                    "run", "other", "--plane", "line")  # fmt: skip


if __name__ == "__main__":
    unittest.main()
