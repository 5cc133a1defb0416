"""valley completion: what bash offers, asked of a real bash."""

import contextlib
import os
import pty
import shlex
import subprocess
import unittest

from program import ProgramTest

# Calls the completion as bash does where the cursor stands at the end of the words.
ASK = """\
COMP_WORDS=({words}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
compopt() {{ echo "compopt $*"; }}  # the real one works during a completion only
_valley
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


class Completion(ProgramTest):
    def setUp(self):
        super().setUp()
        self.script = self.succeed("completion", "bash")

    def offered(self, *words):
        """What follows `valley`, with a last word that is begun."""
        text = self.script + ASK.format(words=shlex.join(("valley", *words)))
        done = subprocess.run(["bash", "-uc", text], capture_output=True, text=True, check=True)
        self.assertEqual(done.stderr, "")
        return done.stdout.split("\n")[:-1]

    def listed(self, what):
        table = self.succeed("list", what).splitlines()[2:]
        return [line.split()[0] for line in table]

    def test_subcommands(self):
        self.assertEqual(self.offered("tr"), ["train"])
        self.assertEqual(self.offered(""), ["--help", "--version", *self.subcommands().split(", ")])

    def test_flags(self):
        self.assertEqual(self.offered("train", "--pull"), ["--pull"])
        self.assertEqual(self.offered("report", "--pu"), [""])
        for command in self.subcommands().split(", "):
            flags = self.offered(command, "--")
            self.assertIn("--help", flags)
            help_text = self.succeed(command, "--help")
            for flag in flags:
                self.assertRegex(help_text, rf"{flag}\b")

    def test_names(self):
        lists = {"--algorithm": "algorithms", "--backend": "backends", "--topology": "topologies",
                 "--task": "tasks"}
        for flag, what in lists.items():
            offered = [name.rstrip(":") for name in self.offered("train", flag, "")]
            self.assertEqual([name for name in offered if name != "auto"], self.listed(what))
        self.assertEqual(self.offered("sharpness", "runs/first", "--measures", ""),
                         self.listed("measures"))
        self.assertEqual(self.offered("train", "--launch", "p"), ["processes"])
        self.assertEqual(self.offered("train", "--model", "wide"),
                         ["compopt -o nospace", "wide-resnet-"])
        self.assertEqual(self.offered("train", "--data", "cifar100"),
                         ["compopt -o nospace", "cifar100:"])
        self.assertEqual(self.offered("topology", "hyper"), ["hypercube"])
        known = self.run_valley("list", "nothing")[2].strip().split("known: ")[1]
        self.assertEqual(", ".join(self.offered("list", "")), known)

    def test_words_of_bash(self):
        self.assertEqual(self.offered("train", "--algorithm", "=", "dpp"), ["dppf"])
        self.assertIn("dppf", self.offered("train", "--algorithm", "="))
        self.assertEqual(self.offered("compare", "--algorithms", "ssgd,dpp"), ["ssgd,dppf"])

    def test_files_and_numbers(self):
        # Nothing of its own: bash then offers files, unless it is told that it is a number.
        for words in (("train", "--out", ""), ("train", "--data", "cifar10", ":", "x"), ("report", "")):
            self.assertEqual(self.offered(*words), [""])
        self.assertEqual(self.offered("train", "--workers", ""), ["compopt +o default", ""])

    def test_a_shell_at_a_terminal(self):
        (self.folder / "script").write_text(self.script)
        ours, shells = pty.openpty()
        self.addCleanup(os.close, ours)
        shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-i"], cwd=self.folder, stdin=shells, stdout=shells,
            stderr=subprocess.STDOUT, env={"TERM": "dumb", "PATH": "/usr/bin:/bin"},
            start_new_session=True,
        )  # fmt: skip
        self.addCleanup(shell.wait)
        self.addCleanup(shell.kill)
        os.close(shells)
        # Ctrl-A goes to the begin of the line, before which "echo " makes it harmless.
        os.write(ours, b"source ./script\nvalley trai\t--algo\tdpp\t\x01echo \nexit\n")
        said = b""
        with contextlib.suppress(OSError):  # the shell has ended
            while part := os.read(ours, 4096):
                said += part
        self.assertIn("\nvalley train --algorithm dppf", said.decode().replace("\r", ""))

    def test_what_it_refuses(self):
        self.refuse("unknown shell 'fihs'; known: bash, zsh", "completion", "fihs")


if __name__ == "__main__":
    unittest.main()
