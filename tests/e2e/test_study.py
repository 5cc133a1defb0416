"""valley study: a grid of runs to one training loss, and the measures ranked by the gap."""

import json
import signal
import unittest
import xml.etree.ElementTree

from program import ProgramTest, read_json

RECIPE = """\
data = "blobs"
data-seed = 1
train-samples = 60
test-samples = 300
model = "mlp-16-8"
workers = 2
threads = 1
push = 0.05
epochs = 80
lr-schedule = "constant"
until-loss = 0.1

[grid]
lr = [0.005, 0.01]
batch-size = [5, 10]
seed = [0, 1]

[sharpness]
measures = "mean-valley,gradient-norm,entropy,lpf"
samples = 30
draws = 3
"""
# Four runs, each over after an epoch or so.
QUICK = RECIPE.replace("until-loss = 0.1", "until-loss = 2").replace("batch-size = [5, 10]", "batch-size = [5]")


def tau_b(x, y):
    """Kendall's, by its definition."""
    pairs = [(i, j) for i in range(len(x)) for j in range(i)]
    sign = lambda v: (v > 0) - (v < 0)  # noqa: E731
    dx = [sign(x[i] - x[j]) for i, j in pairs]
    dy = [sign(y[i] - y[j]) for i, j in pairs]
    untied = sum(map(abs, dx)) * sum(map(abs, dy))
    return sum(a * b for a, b in zip(dx, dy)) / untied**0.5 if untied else None


class Study(ProgramTest):
    def recipe(self, text=RECIPE):
        (self.folder / "small.toml").write_text(text)
        return ("study", "small.toml", "--out", "st")

    def test_study(self):
        flags = self.recipe()
        shown = self.succeed(*flags, "--print-runs").splitlines()
        self.assertEqual(len(shown), 9)
        self.assertEqual(shown[0], "st/lr=0.005,batch-size=5,seed=0")
        self.assertEqual(shown[8], "8 runs, 4 measures")
        self.assertFalse((self.folder / "st").exists())

        code, table, err = self.run_valley(*flags)
        self.assertEqual(code, 0, err)
        self.assertIn("[1/8] lr=0.005,batch-size=5,seed=0\n", err)
        self.assertRegex(err, r"\[8/8\] lr=0\.01,batch-size=10,seed=1, about .* left\n")
        lines = table.splitlines()
        self.assertRegex(lines[0], r"\Ameasure +tau-b +granulated +lr +batch-size +runs")
        rows = [line.split()[0] for line in lines[2:7]]
        self.assertEqual(sorted(rows[:4]), ["entropy", "gradient-norm", "lpf", "mean-valley"])
        self.assertEqual(rows[4], "training-loss")
        self.assertIn("8 of 8 runs", table)

        study = read_json(self.folder / "st" / "study.json")
        self.assertEqual(study["recipe"], RECIPE)
        self.assertEqual(len(study["runs"]), 8)
        for run in study["runs"]:
            summary = self.summary(run["run"])
            self.assertEqual(run["status"], "finished")
            self.assertLessEqual(summary["train_loss"], 0.1)
            self.assertEqual(run["generalization_gap"], summary["generalization_gap"])
            measured = read_json(self.folder / run["run"] / "sharpness.json")
            self.assertEqual(measured["examples"], 30)
            for name, value in run["measures"].items():
                if name != "training-loss":
                    self.assertEqual(value, measured["measures"][name])

        # The coefficients, computed anew from the runs.
        gap = [run["generalization_gap"] for run in study["runs"]]
        for rank in study["ranking"]:
            sign = 1 if rank["larger_is_sharper"] else -1
            value = [sign * run["measures"][rank["measure"]]["value"] for run in study["runs"]]
            self.assertAlmostEqual(rank["tau"], tau_b(value, gap))
            by_axis = []
            for axis in (0, 1):
                groups = {}
                for run, x, y in zip(study["runs"], value, gap):
                    others = tuple(p for i, p in enumerate(run["place"]) if i != axis)
                    groups.setdefault(others, []).append((x, y))
                taus = [tau_b(*zip(*group)) for group in groups.values()
                        if len({y for _, y in group}) > 1]  # fmt: skip
                by_axis.append(sum(t or 0 for t in taus) / len(taus) if taus else None)
            self.assertEqual(rank["groups_by_axis"][2], 0)  # seeds
            for ours, theirs in zip(rank["granulated_by_axis"], by_axis):
                self.assertAlmostEqual(ours, theirs)
        taus = [rank["tau"] for rank in study["ranking"][:4]]
        self.assertEqual(taus, sorted(taus, reverse=True))

        root = xml.etree.ElementTree.parse(self.folder / "st" / "study.svg").getroot()
        text = "".join(root.itertext())
        for part in ("mean-valley", "generalisation gap, %", "lr 0.005", "lr 0.01"):
            self.assertIn(part, text)

        # Once more: nothing is trained or measured again.
        files = sorted((self.folder / "st").rglob("s*.json"))
        times = {path: path.stat().st_mtime_ns for path in files if path.name != "study.json"}
        self.assertEqual(len(times), 16)
        code, again, err = self.run_valley(*flags)
        self.assertEqual((code, again), (0, table))
        self.assertEqual(err.count("is finished already\n"), 8)
        self.assertEqual({path: path.stat().st_mtime_ns for path in times}, times)
        self.assertEqual(json.loads(self.succeed(*flags, "--json", "--quiet"))["ranking"],
                         study["ranking"])  # fmt: skip

        # Measured otherwise: what was trained stays.
        self.recipe(RECIPE.replace("draws = 3", "draws = 4"))
        self.succeed(*flags, "--quiet")
        trained = [path for path in times if path.name == "summary.json"]
        self.assertEqual([path.stat().st_mtime_ns for path in trained],
                         [times[path] for path in trained])  # fmt: skip
        self.recipe(RECIPE.replace("push = 0.05", "push = 0.1"))
        self.refuse("st/lr=0.005,batch-size=5,seed=0 holds a run with push = 0.05, not 0.1; choose "
                    "another --out", *flags)  # fmt: skip

    def test_runs_that_fail_are_told_apart(self):
        flags = self.recipe(
            QUICK.replace("lr = [0.005, 0.01]", "lr = [0.005, 0.01, 1e30]")
        )
        code, table, err = self.run_valley(*flags)
        self.assertEqual(code, 0, err)
        self.assertIn("4 of 6 runs\n  lr=1e+30,batch-size=5,seed=0 diverged\n"
                      "  lr=1e+30,batch-size=5,seed=1 diverged\n", table)  # fmt: skip
        code, again, err = self.run_valley(*flags)
        self.assertEqual((code, again), (0, table))
        self.assertEqual(err.count(" has diverged already\n"), 2)

    def test_loss_out_of_reach(self):
        flags = self.recipe(QUICK.replace("until-loss = 2", "until-loss = 1e-9").replace("epochs = 80", "epochs = 2"))
        code, out, err = self.run_valley(*flags, "--quiet")
        self.assertEqual((code, out), (5, ""))
        lines = err.splitlines()
        self.assertEqual(lines[0], "0 of 4 runs")
        self.assertRegex(lines[1], r"\A  lr=0\.005,batch-size=5,seed=0 ended at training loss \d\.\d+, "
                         r"not 1e-09\Z")  # fmt: skip
        self.assertEqual(lines[-1], "valley: 0 of 4 runs have what it takes to be ranked, 4 are "
                         "needed; more epochs, a higher until-loss or a smaller lr may help")  # fmt: skip
        study = read_json(self.folder / "st" / "study.json")
        self.assertEqual({run["status"] for run in study["runs"]}, {"short"})
        self.assertEqual(study["ranking"], [])

    def test_a_measure_that_some_runs_lack(self):
        # After ssgd no workers differ; three runs are too few to rank.
        flags = self.recipe(RECIPE.replace("batch-size = [5, 10]", 'algorithm = ["dppf", "ssgd"]')
                            .replace("seed = [0, 1]", "seed = [0]")
                            .replace("lr = [0.005, 0.01]", "lr = [0.005, 0.008, 0.01]")
                            .replace("until-loss = 0.1", "until-loss = 0.8"))  # fmt: skip
        self.succeed(*flags, "--quiet")
        study = read_json(self.folder / "st" / "study.json")
        ranks = {rank["measure"]: rank for rank in study["ranking"]}
        self.assertEqual((ranks["mean-valley"]["runs"], ranks["mean-valley"]["tau"]), (3, None))
        self.assertEqual(ranks["lpf"]["runs"], 6)
        self.assertIsNotNone(ranks["lpf"]["tau"])
        self.assertEqual(study["ranking"][3]["measure"], "mean-valley")  # the last but the control

    def test_one_folder_holds_one_study(self):
        flags = self.recipe(QUICK)
        self.succeed(*flags, "--quiet")
        for change, message in (
            (("batch-size", "weight-decay"),
             "--out st holds a study over lr, batch-size, seed, not lr, weight-decay, seed; choose "
             "another folder"),
            (("[0.005, 0.01]\nbatch-size = [5]", "[0.001, 0.002]\nbatch-size = [7, 9]\n"),
             ""),
            (("push = 0.05", "push = 0.2"),
             "st/lr=0.005,batch-size=5,seed=0 holds a run with push = 0.05, not 0.2; choose another "
             "--out"),
        ):  # fmt: skip
            self.recipe(QUICK.replace(*change))
            if message:
                self.refuse(message, *flags)
            else:
                self.assertIn("8 runs", self.succeed(*flags, "--print-runs"))
        self.recipe(QUICK.replace("push = 0.05", "push = 0.2").replace("[0.005, 0.01]", "[0.003, 0.007]"))
        self.refuse("--out st holds a study with push = 0.05, not 0.2; choose another folder", *flags)
        self.refuse("--out st/lr=0.005,batch-size=5,seed=0 is a run; choose another folder", "study",
                    "small.toml", "--out", "st/lr=0.005,batch-size=5,seed=0")  # fmt: skip

        # A damaged measurement is taken anew.
        self.recipe(QUICK)
        before = read_json(self.folder / "st" / "study.json")
        damaged = self.folder / before["runs"][0]["run"] / "sharpness.json"
        damaged.write_text(damaged.read_text()[:100])
        again = json.loads(self.succeed(*flags, "--quiet", "--json"))
        self.assertEqual(again["ranking"], before["ranking"])

    def test_interrupted_while_measuring(self):
        flags = self.recipe(QUICK.replace("draws = 3", "draws = 1000000"))
        process = self.start(*flags)
        self.wait_until(lambda: (self.folder / "st/lr=0.005,batch-size=5,seed=0/summary.json")
                        .exists(), process)  # fmt: skip
        code, out, err = self.interrupt(process)
        self.assertEqual((code, out), (4, ""))
        self.assertTrue(err.endswith("valley: interrupted; the same command goes on from here\n"), err)
        self.recipe(QUICK)
        self.succeed(*flags, "--quiet")

    def test_interrupted(self):
        flags = self.recipe(RECIPE.replace("until-loss = 0.1", "until-loss = 1e-9\n")
                            .replace("epochs = 80", "epochs = 100000\ncheckpoint-every = 50"))  # fmt: skip
        process = self.start(*flags, "--quiet")
        self.wait_for_checkpoint("st/lr=0.005,batch-size=5,seed=0", process)
        code, out, err = self.interrupt(process, signal.SIGHUP)
        self.assertEqual((code, out), (4, ""))
        self.assertEqual(err, "valley: interrupted; the same command goes on from here\n")

    def test_bad_recipes(self):
        head, grid, rest = "momentum = 0.1\n", "[grid]\nlr = [0.1, 0.2, 0.3, 0.4]\n", ""
        for text, message in (
            (head, "small.toml has no table [grid] with the settings that vary: [grid], and below "
                   "it lr = [0.1, 0.2]"),
            (head + "[grid]\nlr = [0.1]", "small.toml: a grid of 1 runs is too small to rank, give 4"),
            (head + "[grid]\nout = ['a']", "small.toml: [grid] 'out' cannot vary"),
            ("lr = 0.1\n" + grid, "small.toml: 'lr' stands outside of [grid] and in it"),
            ("model = 'mlp-16'\n" + grid, "small.toml: lr=0.1: unknown model 'mlp-16'; known: "
             "mlp, mlp-A-B, lenet, vggD, resnet-D, wide-resnet-D-K, pyramidnet-D-A, lstm, vit, "
             "gpt-L-W, or a TorchScript file (net.pt)"),
            ("data = 'mnist:none'\n" + grid, "lr=0.1: data file none/train-images-idx3-ubyte(.gz) is "
             "missing; give the folder that holds it as mnist:PATH"),
            ("out = 'x'\n" + grid, "small.toml: 'out' is for --out to say"),
            ("launch = 'processes'\n" + grid,
             'small.toml: valley study trains with launch = "threads"'),
            (grid + "[sharpness]\nsample = 3",
             "unknown key in [sharpness] of small.toml: 'sample'; did you mean 'samples'? known: "
             "measures, samples, seed, draws, kappa, search, step, batch-norm, normalise, rho, "
             "lanczos, memory, along"),
            (grid + "[sharpness]\nsamples = -3", "--samples must be at least 0, got -3"),
            (grid + "[sharpness]\nmeasures = 'mean-valey'",
             "unknown measure 'mean-valey'; did you mean 'mean-valley'? known: "
             + self.names("measures")),
            (grid + "lr-schedule = ['cosine', 'cosin']",
             "small.toml: lr=0.1,lr-schedule=cosin: unknown learning-rate schedule 'cosin'; did you "
             "mean 'cosine'? known: constant, cosine, step, linear"),
        ):  # fmt: skip
            with self.subTest(text):
                flags = self.recipe(text + rest)
                self.refuse(message, *flags)
                self.assertFalse((self.folder / "st").exists())
        self.refuse("cannot read none.toml: No such file or directory", "study", "none.toml")
        flags = self.recipe()
        self.refuse("--workers must be in [0, 1024], got -1", *flags, "--workers", -1)


if __name__ == "__main__":
    unittest.main()
