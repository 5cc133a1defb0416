"""docs/tutorial.md as a reader follows it: its files written, its commands run, its C++ that of the examples."""

import os
import pathlib
import re
import subprocess
import textwrap
import unittest

from program import GOLDEN, TIMEOUT, VALLEY, ProgramTest, environment

ROOT = GOLDEN.parent.parent
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text()
# Of what the reader sees of each command; a command without one need only go well.
SAID = {
    "valley data images:photos": "4       bag|bag +[0-9]+ +[0-9]+",
    "valley train --data images:photos": "valley width",
    "valley evaluate runs/dppf": "most taken for",
    "valley predict runs/dppf": r"new/1\.png,0,[a-z]+,[01]\.\d+",
    "valley train --config runs/dppf/config.toml --resume": "finished",
    "valley sharpness": r"lambda-max +[0-9.]+ +[0-9.]+",
    "valley compare": r"dppf .* ± ",
    "valley evaluate runs/houses": r"r2 +0\.9",
    "valley predict runs/houses": r"asked\.csv,0,\d+",
}  # fmt: skip


def section(title):
    return TUTORIAL.split(f"\n## {title}\n")[1].split("\n## ")[0]


def blocks(text, language):
    return [block.split("```")[0] for block in text.split(f"```{language}\n")[1:]]


def commands(text):
    """The indented lines that begin with the program, those that go on joined."""
    joined = text.replace("\\\n", " ")
    return [re.sub(" +", " ", line.strip()) for line in joined.splitlines() if line.startswith("    valley ")]


class Tutorial(ProgramTest):
    def follow(self, title):
        for block in blocks(section(title), "python"):
            subprocess.run(["/usr/bin/python3", "-B", "-c", block], cwd=self.folder, check=True)
        env = environment(VALLEY_CACHE=str(self.folder / "store"),
                          PATH=f"{pathlib.Path(VALLEY).parent}:{os.environ['PATH']}")  # fmt: skip
        found = commands(section(title))
        for command in found:
            done = subprocess.run(["bash", "-c", command], cwd=self.folder, env=env, capture_output=True,
                                  text=True, timeout=TIMEOUT)  # fmt: skip
            self.assertEqual(done.returncode, 0, (command, done.stderr))
            for begin, said in SAID.items():
                if command.startswith(begin):
                    self.assertRegex(done.stdout + done.stderr, said, command)
        return found

    def test_pictures(self):
        self.assertEqual(len(self.follow("Pictures of your own, in ten commands")), 10)
        self.assertGreater(self.summary("runs/dppf")["test_accuracy"], 0.8)
        for path in ("photos.png", "runs/report.html", "runs/dppf/landscape.svg", "compare/dppf-seed1/summary.json"):
            self.assertTrue((self.folder / path).is_file(), path)

    def test_a_table(self):
        self.follow("A table of your own")

    def test_every_expected_answer_is_of_a_command(self):
        found = commands(TUTORIAL)
        for begin in SAID:
            self.assertTrue(any(command.startswith(begin) for command in found), begin)

    def test_the_code_is_that_of_the_examples(self):
        """Which are compiled and run; indented as the page has it."""
        examples = [textwrap.dedent(line) for name in ("own_algorithm", "data_parallel")
                    for line in (ROOT / "examples" / f"{name}.cpp").read_text().splitlines()]  # fmt: skip
        text = "\n" + "\n".join(examples) + "\n"
        code = blocks(TUTORIAL, "cpp")
        self.assertEqual(len(code), 3)
        for block in code:
            self.assertIn("\n" + "\n".join(map(textwrap.dedent, block.strip("\n").splitlines())) + "\n", text)
        self.assertLessEqual(len(code[-1].strip().splitlines()) - 6, 41)  # without the network


if __name__ == "__main__":
    unittest.main()
