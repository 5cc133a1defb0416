"""valley train --probe: the figures of valley dynamics on the way, in a run that stays the same."""

import unittest

from program import TINY, ProgramTest, read_json

THREE = (*TINY[:-4], "--workers", 3, "--threads", 1, "--steps", 12)
COST = ("passes", "bytes", "seconds")


class Probe(ProgramTest):
    def train_three(self, out, *arguments):
        return self.run_valley("train", *THREE, "--out", out, *arguments)

    def probes(self, out):
        return {line["step"]: line["probe"] for line in self.metrics(out) if "probe" in line}

    def without_seconds(self, lines):
        return [{k: v for k, v in line.items() if not k.startswith("seconds")} for line in lines]

    def assert_near(self, actual, expected, places, path=""):
        if isinstance(expected, dict):
            for key in expected:
                self.assert_near(actual[key], expected[key], places, f"{path}/{key}")
        elif isinstance(expected, list):
            self.assertEqual(len(actual), len(expected), path)
            for i, value in enumerate(expected):
                self.assert_near(actual[i], value, places, f"{path}/{i}")
        else:
            self.assertAlmostEqual(actual, expected, places, path)

    def test_figures(self):
        code, out, err = self.train_three("a", "--probe", 5)
        self.assertEqual(code, 0, err)
        for step in (5, 10, 12):
            self.assertRegex(
                err, rf"probe at step {step}: width [\d.]+, angles \d+°, alpha_e/alpha .* ± .*, "
                r"Delta/alpha\^2 .* ± .*, loss [\d.]+, smoothed [\d.]+ ± .*; \d+ passes, .*s, .*B sent")
        self.assertRegex(out, r"\n  of it for probes +\S+ m?s\nprobes +3, \d+ passes\n  bytes sent a worker ")

        probes, summary = self.probes("a"), self.summary("a")
        self.assertEqual(list(probes), [5, 10, 12])
        self.assertEqual(summary["probes"]["count"], 3)
        self.assertGreater(summary["seconds"]["probe"], 0)
        # 1 + 3 + M + 6 M B / n draws + 3 + 3 M + 5 draws, of 200 examples
        passes = 1 + 3 + 3 + 6 * 3 * 32 / 200 * 5 + 3 + 9 + 25
        for probe in probes.values():
            self.assertAlmostEqual(probe["passes"], passes, 6)
        self.assertAlmostEqual(summary["probes"]["passes"], 3 * passes, 6)
        self.assertEqual(summary["probes"]["bytes_per_worker"],
                         sum(probe["bytes"] for probe in probes.values()))  # fmt: skip
        (events,) = (self.folder / "a").glob("events.*")
        self.assertIn(b"mean/probe/sigma_w_squared", events.read_bytes())

        # The last one is what is seen afterwards, of the same examples and draws.
        text = self.succeed("dynamics", "a", "--samples", 1000, "--draws", 5, "--quiet")
        self.assertRegex(text, r"\nat probes +step 5  step 10  step 12\n")
        after, last = read_json(self.folder / "a/dynamics.json"), probes[12]
        for key in ("distances", "angles", "consensus_distance", "sigma_w_squared"):
            self.assert_near(last[key], after["spread"][key], 5, key)
        self.assert_near(last["losses"], after["spread"]["losses"], 5)
        self.assertAlmostEqual(last["loss"], after["loss"], 5)
        self.assertAlmostEqual(last["gradient_norm"], after["gradient"]["norm"], 5)
        for key in ("alpha_e_over_alpha", "delta_over_alpha_squared", "zeta_s_squared",
                    "zeta_2_squared", "delta_of_zeta_s", "delta_of_zeta_2"):  # fmt: skip
            self.assert_near(last["effective_rate"][key], after["effective_rate"][key], 4, key)
        self.assert_near(last["smoothed"]["smoothed_loss"], after["smoothed"]["smoothed_loss"], 4)
        self.assertEqual(list(last["smoothed"]["curvature"]), ["along_gradient", "towards_workers"])
        rate = last["effective_rate"]
        self.assertAlmostEqual(rate["alpha_e"], rate["learning_rate"] * rate["alpha_e_over_alpha"]["value"], 12)
        series = {one["name"]: one for one in after["series"]}
        self.assertEqual(series["alpha_e / alpha"]["x"], [5, 10, 12])
        self.assertEqual(series["consensus distance"]["y"],
                         [probe["consensus_distance"] for probe in probes.values()])  # fmt: skip

        # Pull and push of the last round, where the workers are now.
        (*_, round_) = (line for line in self.metrics("a") if "round" in line)
        r = last["distances"]
        self.assertAlmostEqual(last["width"], sum(r) / 3, 9)
        self.assertAlmostEqual(last["pull_length"], round_["pull"] * last["width"], 9)
        self.assertAlmostEqual(last["push_length"], round_["push"], 9)
        self.assertAlmostEqual(
            last["potential"],
            sum(round_["pull"] / 2 * x * x - round_["push"] * x for x in r), 9)

    def test_unsmoothed(self):
        for out, flags in (("whole", ()), ("plain", ("--probe-unsmoothed",))):
            code, _, err = self.train_three(out, "--probe", 12, *flags)
            self.assertEqual(code, 0, err)
        expected, plain = self.probes("whole")[12], self.probes("plain")[12]
        self.assertNotIn("smoothed", err)
        self.assertIn("smoothed", expected)
        self.assertAlmostEqual(plain["passes"], 1 + 3 + 3 + 6 * 3 * 32 / 200 * 5, 6)
        for key in ("smoothed", *COST):
            expected.pop(key), plain.pop(key, None)
        self.assertEqual(plain, expected)
        self.assertNotIn("unsmoothed", (self.folder / "whole/config.toml").read_text())
        self.assertIn("probe-unsmoothed = true", (self.folder / "plain/config.toml").read_text())

    def test_same_run(self):
        flags = ("--algorithm", "dpsgd", "--partition", "shards:2", "--quiet", "--checkpoint-every", 5,
                 "--keep-checkpoints", 9)  # fmt: skip
        self.assertEqual(self.train_three("a", *flags)[0], 0)
        self.assertEqual(self.train_three("b", *flags, "--probe", 4), (0, "", ""))
        self.assertEqual(self.model("a"), self.model("b"))
        lines = [line for line in self.metrics("b") if "probe" not in line]
        self.assertEqual(self.without_seconds(lines), self.without_seconds(self.metrics("a")))
        a, b = self.summary("a"), self.summary("b")
        self.assertEqual(a["comm_bytes_per_worker"], b["comm_bytes_per_worker"])
        self.assertNotIn("potential", self.probes("b")[4])

        # Resumed at step 5 it looks at the same steps and sees the same.
        self.break_off("b", 5)
        before = self.probes("b")
        self.succeed("train", "--resume", "b", "--quiet")
        after = self.probes("b")
        for probe in (*before.values(), *after.values()):
            del probe["seconds"]
        self.assertEqual(after, before)
        self.assertEqual(list(after), [4, 8, 12])
        self.assertEqual(self.model("a"), self.model("b"))

    def test_processes(self):
        flags = ("--probe", 6, "--probe-samples", 60, "--probe-draws", 2, "--quiet")
        self.assertEqual(self.train_three("t", *flags)[0], 0)
        self.assertEqual(self.train_three("p", *flags, "--launch", "processes"), (0, "", ""))
        threads, processes = self.probes("t"), self.probes("p")
        self.assertEqual(list(processes), [6, 12])
        for step, expected in threads.items():
            for key in COST + ("smoothed",):  # a curvature is a small difference over h^2
                expected.pop(key)
            self.assert_near(processes[step], expected, 3)

    def test_compare(self):
        self.succeed("compare", "--algorithms", "dppf,ssgd", *TINY, "--steps", 6, "--probe", 3,
                     "--probe-draws", 0, "--quiet", "--out", "c")  # fmt: skip
        for name in ("dppf", "ssgd"):
            probes = self.probes(f"c/{name}-seed0")
            self.assertEqual(list(probes), [3, 6])
            for probe in probes.values():
                self.assertEqual(probe["passes"], 0)
                self.assertNotIn("loss", probe)
        self.assertEqual(probes[6]["width"], 0)
        self.succeed("report", "c", "--out", "c.html")

    def test_refused(self):
        for message, *flags in [
            ("--probe must be a whole number, got 'often'", "--probe", "often"),
            ("--probe-samples 1 are fewer than the 2 workers", "--probe", 3, "--probe-samples", 1),
            ("none of the 2 examples is of worker 1; give more --probe-samples", "--probe", 3,
             "--probe-samples", 2, "--partition", "shards:1"),
            ("--probe would change a run of ad-psgd, whose workers do not wait for each other; "
             "`valley dynamics` measures its end", "--probe", 3, "--algorithm", "ad-psgd"),
        ]:  # fmt: skip
            with self.subTest(message):
                self.refuse(message, "train", *TINY, "--out", "x", *flags)


if __name__ == "__main__":
    unittest.main()
