"""valley compare: several algorithms and seeds, their table, file and curves."""

import json
import math
import signal
import unittest
import xml.etree.ElementTree

from program import TINY, ProgramTest, read_json, with_flags

FLAGS = ("compare", *TINY, "--algorithms", "ssgd,dppf+push=0.1", "--seeds", "0,1", "--steps", 6,
         "--out", "cmp")  # fmt: skip


class Compare(ProgramTest):
    def test_compare(self):
        code, table, err = self.run_valley(*FLAGS)
        self.assertEqual(code, 0, err)
        lines = table.splitlines()
        self.assertRegex(lines[0], r"\Amethod +test acc\. % +test loss")
        self.assertRegex(lines[2], r"\Assgd +\d+\.\d\d ± \d+\.\d\d +\d\.\d{3} ± ")
        self.assertRegex(lines[3], r"\Adppf\+push=0\.1 +\d+\.\d\d ± \d+\.\d\d +\d\.\d{3} ± ")

        result = read_json(self.folder / "cmp" / "compare.json")
        self.assertEqual([m["label"] for m in result["methods"]], ["ssgd", "dppf+push=0.1"])
        for method in result["methods"]:
            runs = [self.summary(f"cmp/{method['label']}-seed{seed}") for seed in (0, 1)]
            self.assertEqual(method["runs"], runs)
            for key in ("test_accuracy", "test_loss", "train_loss", "valley_width", "rounds"):
                a, b = (run[key] for run in runs)
                self.assertAlmostEqual(method["mean"][key], (a + b) / 2)
                deviation = math.sqrt(((a - b) / 2) ** 2 * 2 / (2 - 1))
                self.assertAlmostEqual(method["standard_deviation"][key], deviation)
        losses = [r["test_loss"] for m in result["methods"] for r in m["runs"]]
        self.assertEqual(len(set(losses)), 4)

        root = xml.etree.ElementTree.parse(self.folder / "cmp" / "curves.svg").getroot()
        self.assertIn("dppf+push=0.1", "".join(root.itertext()))

        # Each run is the one `valley train` makes, too.
        self.train("single", "--algorithm", "dppf", "--push", 0.1, "--seed", 1, "--steps", 6)
        self.assertEqual(self.model("single"), self.model("cmp/dppf+push=0.1-seed1"))

        # Once more: nothing is trained again.
        files = sorted((self.folder / "cmp").rglob("model.safetensors"))
        self.assertEqual(len(files), 4)
        times = [path.stat().st_mtime_ns for path in files]
        code, again, err = self.run_valley(*FLAGS)
        self.assertEqual((code, again), (0, table))
        self.assertEqual(err.count("is finished already\n"), 4)
        self.assertEqual([path.stat().st_mtime_ns for path in files], times)
        self.assertEqual(json.loads(self.succeed(*FLAGS, "--json", "--quiet")), result)

        # With other settings these runs answer another question.
        self.refuse("cmp/ssgd-seed0 holds a run with lr = 0.03, not 0.5; choose another --out",
                    *FLAGS, "--lr", 0.5)  # fmt: skip

    def test_interrupted(self):
        small = with_flags(TINY, "--model", "mlp-16-8", "--steps", 400, "--evaluate-every", 0)
        flags = ("compare", *small, "--algorithms", "local-sgd,dppf", "--quiet", "--checkpoint-every", 10,
                 "--out", "cmp")  # fmt: skip
        process = self.start(*flags)
        self.wait_for_checkpoint("cmp/local-sgd-seed0", process)
        code, out, err = self.interrupt(process, signal.SIGUSR1)
        self.assertEqual((code, out), (4, ""))
        self.assertEqual(err, "valley: interrupted; the same command goes on from here\n")
        self.assertEqual(self.summary("cmp/local-sgd-seed0")["status"], "interrupted")
        self.assertFalse((self.folder / "cmp" / "compare.json").exists())
        self.succeed(*flags)
        self.succeed("train", *small, "--algorithm", "local-sgd", "--quiet", "--out", "single")
        self.assertEqual(self.model("single"), self.model("cmp/local-sgd-seed0"))


if __name__ == "__main__":
    unittest.main()
