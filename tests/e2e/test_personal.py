"""Parameters that every worker keeps for itself, and scores of each on its own data."""

import json
import unittest

from program import TINY, ProgramTest, read_json, with_flags

FLAGS = with_flags(TINY, "--model", "mlp-16-16", "--lr", 0.05, "--epochs", 4, "--workers", 3, "--partition", "shards:2")


class Personal(ProgramTest):
    def outcome(self, run, *flags):
        said = self.succeed("train", *FLAGS, "--out", run, *flags)
        return said, read_json(self.folder / run / "summary.json")

    def test_heads_of_their_own_and_a_score_a_worker(self):
        head = self.last_layer()
        said, summary = self.outcome("own", "--algorithm", "sgp", "--topology", "directed-ring", "--personal", head)
        self.assertIn("of the workers", said)
        workers = summary["test_by_worker"]
        self.assertEqual(len(workers), 3)
        self.assertAlmostEqual(sum(w["accuracy"] for w in workers) / 3, summary["test_accuracy"])
        self.assertAlmostEqual(sum(w["loss"] for w in workers) / 3, summary["test_loss"])
        self.assertNotEqual(workers[0], workers[1])
        self.assertIn(f'personal = "{head}"', (self.folder / "own" / "config.toml").read_text())

        _, shared = self.outcome("shared", "--algorithm", "sgp", "--topology", "directed-ring")
        self.assertNotIn("test_by_worker", shared)
        self.assertGreater(summary["test_accuracy"], shared["test_accuracy"])
        self.assertLess(summary["comm_bytes_per_worker"], shared["comm_bytes_per_worker"])

        alone = json.loads(self.succeed("evaluate", "own", "--worker", 1, "--json"))["runs"][0]["test"]
        self.assertNotEqual(alone["loss"], workers[1]["loss"])  # of the whole test set
        self.succeed("report", "own")
        page = (self.folder / "own" / "report.html").read_text()
        report = json.loads(page.split('id="report-data">')[1].split("</script>")[0])
        self.assertEqual(report["runs"][0]["summary"]["test_by_worker"], workers)

    def last_layer(self):
        code, _, error = self.run_valley("train", *FLAGS, "--personal", "nothing")
        self.assertEqual(code, 2)
        self.assertIn("--personal: no parameter is called 'nothing'; there are ", error)
        return error.rstrip().split(", ")[-1].rsplit(".", 1)[0] + ".*"

    def test_what_cannot_be(self):
        for words, flags in [
            ("cd-adam takes the whole step by itself: what is --personal would never move", ("--algorithm", "cd-adam")),
            ("--optimizer-state average is of all parameters, some of which are --personal: --optimizer-state local",
             ("--algorithm", "local-sgd", "--optimizer-state", "average")),
            ("--probe looks at the workers' average, and what is --personal (fc*) has none", ("--probe", 5)),
            ("--elastic cannot bring back what a worker has alone, which is --personal (fc*)",
             ("--elastic", "2:3", "--launch", "processes")),
        ]:  # fmt: skip
            self.refuse(words, "train", *FLAGS, "--personal", "fc*", *flags)
        self.refuse("--personal * leaves nothing to be shared", "train", *FLAGS, "--personal", "*")
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_another_number_of_workers_cannot_go_on(self):
        head = self.last_layer()
        flags = ("--algorithm", "local-sgd", "--personal", head, "--steps", 8, "--checkpoint-every", 4)
        self.succeed("train", *FLAGS, *flags, "--out", "run")
        self.break_off("run", 4)
        code, _, error = self.run_valley("train", "--resume", "run", "--workers", 2)
        self.assertNotEqual(code, 0)
        self.assertIn(f"the checkpoint has 3 workers, this run 2: --personal {head} is each one's own, and has no", error)


if __name__ == "__main__":
    unittest.main()
