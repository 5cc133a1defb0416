"""Training on examples made hard for the network, and its scores under attack."""

import json
import unittest

from program import TINY, ProgramTest, read_json, with_flags

FLAGS = with_flags(TINY, "--model", "mlp-16-16", "--algorithm", "ssgd", "--lr", 0.05, "--epochs", 6)
ATTACK = "pgd:0.3:5"


class Adversarial(ProgramTest):
    def robust(self, run):
        self.succeed("evaluate", run, "--adversarial", ATTACK)
        return read_json(self.folder / run / "robust.json")

    def test_training_against_an_attack_and_scores_under_it(self):
        self.succeed("train", *FLAGS, "--out", "plain")
        self.succeed("train", *FLAGS, "--out", "hard", "--adversarial", "pgd:0.3:3", "--adversarial-clean", 0.25)
        plain, hard = self.robust("plain"), self.robust("hard")
        self.assertEqual(plain["attack"], "pgd:0.3:5:0.15")
        self.assertGreater(plain["robust"]["loss"], plain["clean"]["loss"])
        self.assertLess(hard["robust"]["loss"], plain["robust"]["loss"])
        config = (self.folder / "hard" / "config.toml").read_text()
        self.assertIn('adversarial = "pgd:0.3:3:0.25', config)
        self.assertNotIn("adversarial", (self.folder / "plain" / "config.toml").read_text())

        test = json.loads(self.succeed("evaluate", "hard", "--adversarial", ATTACK, "--json"))["runs"][0]["test"]
        self.assertEqual(test["robust_loss"], hard["robust"]["loss"])
        self.assertEqual(test["attack"], "pgd:0.3:5:0.15")
        self.assertIn("robust_accuracy", self.succeed("evaluate", "hard", "--adversarial", ATTACK))
        before = (self.folder / "hard" / "robust.json").read_bytes()
        self.succeed("evaluate", "hard", "--adversarial", "fgsm:0.3", "--worker", 1)  # is not the run's own model
        self.assertEqual((self.folder / "hard" / "robust.json").read_bytes(), before)

        self.succeed("report", "plain", "hard", "--out", "both.html")
        page = (self.folder / "both.html").read_text()
        report = json.loads(page.split('id="report-data">')[1].split("</script>")[0])
        scores = {s["name"]: s for s in report["runs"][1]["robust"]["scores"]}
        self.assertEqual(scores["accuracy"]["robust"], hard["robust"]["accuracy"])

    def test_what_cannot_be(self):
        self.refuse("unknown attack 'fgms'; did you mean 'fgsm'? known: none, fgsm, pgd", "train", *FLAGS,
                    "--adversarial", "fgms:1")  # fmt: skip
        self.refuse("--adversarial fgsm:EPS needs a number EPS above 0, got ''", "train", *FLAGS, "--adversarial", "fgsm")
        self.refuse("--adversarial-clean must be in [0, 1), got 1", "train", *FLAGS, "--adversarial-clean", 1)
        self.refuse("--adversarial changes values, and --data text:book is text", "train", "--data", "text:book",
                    "--model", "gpt-1-8", "--adversarial", "fgsm:1")  # fmt: skip
        self.assertEqual(list(self.folder.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
