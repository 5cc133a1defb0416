"""valley bench: rounds timed on workers that are threads and processes."""

import json
import unittest

from program import ProgramTest


class Bench(ProgramTest):
    QUICK = ("bench", "--turns", 2, "--parameters", "2000,50000", "--algorithm", "local-sgd")

    def test_threads(self):
        text = self.succeed(*self.QUICK, "--workers", 2)
        self.assertIn("rounds of local-sgd on thread, medians\n", text)
        self.assertRegex(text, r"\n2 +50,000 .* 200 kB *\n")
        self.assertIn("\nfloor: 1.5 copies. ", text)

    def test_threads_share_memory(self):
        last = json.loads(self.succeed(*self.QUICK, "--workers", 2, "--json"))["rounds"][-1]
        self.assertGreater(last["copy"], 0)
        self.assertAlmostEqual(last["floor"], 1.5 * last["copy"])

    def test_processes_count_what_went_over_the_wire(self):
        found = json.loads(self.succeed(*self.QUICK, "--workers", 2, "--launch", "processes", "--json"))
        self.assertEqual((found["algorithm"], found["backend"]), ("local-sgd", "gloo"))
        self.assertEqual([r["parameters"] for r in found["rounds"]], [2000, 50000])
        last = found["rounds"][-1]
        self.assertEqual(last["payload"], 200_000)
        self.assertAlmostEqual(last["acknowledged"] / last["sent"], 1, delta=0.01)
        self.assertAlmostEqual(last["floor"], last["all_reduce"] + last["pass"])
        self.assertEqual([o["name"] for o in last["operations"]],
                         ["all-reduce", "all-reduce with norms", "all-gather", "broadcast",
                          "exchange with the next", "barrier"])  # fmt: skip

    def test_processes_with_a_token(self):
        (self.folder / "token").write_text("the secret of this job\n")
        flags = ("--workers", 2, "--launch", "processes", "--token-file", "token", "--json")
        self.assertEqual(json.loads(self.succeed(*self.QUICK, *flags))["backend"], "gloo")
        self.refuse("VALLEY_TOKEN: a token is one line of 16 to 4096 bytes; head -c 32 /dev/urandom | base64 makes one",
                    *self.QUICK, "--launch", "processes", env={"VALLEY_TOKEN": "short"})  # fmt: skip

    def test_what_is_wrong_is_one_line(self):
        self.refuse("--workers must be at least 2 here: one worker has nobody to meet", "bench", "--workers", 1)
        self.refuse("--parameters must be at least 1000, got 5", "bench", "--parameters", 5)
        self.refuse("--turns must be at least 1, got 0", "bench", "--turns", 0)
        self.refuse("--algorithm ad-psgd: its workers meet while nobody waits, so there is no round to time",
                    "bench", "--algorithm", "ad-psgd")  # fmt: skip


class EstimateShapes(ProgramTest):
    POWERSGD = ("estimate", "--workers", 4, "--parameters", 1_000_000, "--step-seconds", 0.1, "--algorithm", "dppf",
                "--period", 16, "--wire", "powersgd-4")  # fmt: skip

    def test_factors_are_fewer_bytes(self):
        found = json.loads(self.succeed(*self.POWERSGD, "--shapes", "1000x900", "--json"))["step"]
        # 2 (M - 1) / M of 4 (1000 + 900) values and of the 100,000 that are no matrix, 1514 bytes for 1448.
        self.assertAlmostEqual(found["wire_bytes"], (1.5 * 107_600 * 4 + 2 * 3 * 64) * 1514 / 1448 / 16, places=3)

    def test_what_is_wrong_is_one_line(self):
        self.refuse("--wire powersgd-4 sends factors of matrices: give --shapes, the rows and columns of the layers",
                    *self.POWERSGD)  # fmt: skip
        for text in ("1000", "x", "0x5", "3x", "2x2,", "axb", "1x99999999999"):
            self.refuse(f"--shapes must be ROWSxCOLUMNS,...: 1024x784,256x1024, say, got {text}",
                        *self.POWERSGD, "--shapes", text)  # fmt: skip
        self.refuse("--shapes are of more than 1000000 parameters", *self.POWERSGD, "--shapes", "1000x1001")


if __name__ == "__main__":
    unittest.main()
