"""Training examples set aside: what is chosen looks at them, the test set is looked at once."""

import unittest

from program import ProgramTest

# Learns 100 examples by heart, and so gets worse where it is judged.
OVERFIT = "--train-samples 140 --validation-samples 40 --model mlp --algorithm local-sgd --lr 0.1 --epochs 12".split()


class Validation(ProgramTest):
    def evaluations(self, out):
        return [record for record in self.metrics(out) if "validation_loss" in record]

    def test_the_best_model_is_kept(self):
        flags = (*OVERFIT, "--task", "classification", "--lr-schedule", "constant")
        summary = self.train("run", *flags, "--keep", "best")
        evaluations = self.evaluations("run")
        self.assertEqual([e["step"] for e in evaluations if "test_loss" in e], [evaluations[-1]["step"]])
        best = max(e["validation_accuracy"] for e in evaluations)
        first = next(e["step"] for e in evaluations if e["validation_accuracy"] == best)
        self.assertEqual((summary["validation_accuracy"], summary["model_step"]), (best, first))
        last = self.train("last", *flags)
        self.assertNotIn("model_step", last)
        self.assertEqual([e["train_loss"] for e in self.evaluations("last")][:-1], [e["train_loss"] for e in evaluations][:-1])

    def test_patience_ends_a_run(self):
        summary = self.train("run", *OVERFIT, "--patience", 2, "--epochs", 50, "--lr-schedule", "constant")
        scores = [e["validation_accuracy"] for e in self.evaluations("run")]
        self.assertLess(summary["epochs"], 50)
        while_training = scores[: int(summary["epochs"])]
        self.assertGreaterEqual(max(while_training[:-2]), max(while_training[-2:]))

    def test_resumed_equals_uninterrupted(self):
        flags = (*OVERFIT, "--keep", "best", "--patience", 4, "--batch-size", 10, "--checkpoint-every", 15)
        whole = self.train("run", *flags)
        model, evaluations = self.model("run"), self.evaluations("run")
        self.break_off("run", 30)
        self.succeed("train", "--resume", "run", "--quiet")
        self.assertEqual(self.model("run"), model)
        self.assertEqual(self.summary("run")["model_step"], whole["model_step"])
        self.assertEqual([e["validation_loss"] for e in self.evaluations("run")], [e["validation_loss"] for e in evaluations])

    def test_what_cannot_be(self):
        train = ("train", "--data", "blobs", "--model", "mlp", "--train-samples", 50)
        self.refuse("--keep looks at a validation set: --validation-samples must be at least 1", *train, "--keep", "best")
        self.refuse("--patience looks at evaluations: --evaluate-every must be at least 1", *train, "--patience", 2,
                    "--validation-samples", 10, "--evaluate-every", 0)  # fmt: skip
        self.refuse("--validation-samples 50 leaves nothing to train on: there are 50 training samples", *train,
                    "--validation-samples", 50)  # fmt: skip


if __name__ == "__main__":
    unittest.main()
