"""Starts the program whose path is in the environment variable VALLEY, in a folder of its own."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

VALLEY = os.path.abspath(os.environ["VALLEY"])
GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden"
FASHION = pathlib.Path("/usr/share/datasets/fashion-mnist")
TIMEOUT = 240  # generous: a test that needs it is broken, a busy machine is not

# A training of a moment.
TINY = "--data blobs --train-samples 200 --test-samples 100 --model mlp --workers 2 --threads 1".split()

LAUNCHERS = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_", "VALLEY_LAUNCHED", "VALLEY_TOKEN", "TORCHELASTIC_",
             "OMPI_", "PMIX_", "PMI_", "SLURM_", "TERM")  # fmt: skip


# What made() has made: {the words of a command: its folder}.
SHELF = tempfile.TemporaryDirectory(prefix="valley-shelf-")
MADE = {}

# A signal that is ignored when a program starts stays ignored: the tests may run under nohup, or in a
# shell's background, which ignores Control-C.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)


def environment(**extra):
    """This process's environment without what a launcher or a terminal left in it."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(LAUNCHERS)}
    return clean | extra


def with_flags(flags, *others):
    """The words of a command line with those of another, which replace flags of the same name."""
    merged = {}
    for word in (*flags, *others):
        if str(word).startswith("--"):
            merged[name := word] = []
        else:
            merged.setdefault(name, []).append(word)
    return [word for name, values in merged.items() for word in (name, *values)]


def has_mpi():
    """Whether the program was built with MPI."""
    listed = subprocess.run([VALLEY, "list", "backends"], capture_output=True, text=True, check=True)
    return any(line.startswith("mpi ") for line in listed.stdout.splitlines())


def snapshot(folder):
    """{path: content} of everything below a folder; a folder's content is None."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(pathlib.Path(folder).rglob("*"))
    }


def without_checksum(value):
    """An object that the program wrote, without the checksum of itself that every one has."""
    del value["crc32c"]
    return value


def read_json(path):
    """What a JSON file of the program says."""
    return without_checksum(json.loads(pathlib.Path(path).read_text()))


class ProgramTest(unittest.TestCase):
    """Every test has an empty folder, self.folder, in which the program runs."""

    maxDiff = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="valley-e2e-")).resolve()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def start(self, *arguments, env=None, **options):
        """The program, running; ended with the test whatever happens."""
        process = subprocess.Popen(
            [VALLEY, *map(str, arguments)], cwd=self.folder, env=environment(**(env or {})),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            **options,
        )  # fmt: skip
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def finish(self, process):
        """(exit code, stdout, stderr)"""
        out, err = process.communicate(timeout=TIMEOUT)
        return process.returncode, out, err

    def run_valley(self, *arguments, **options):
        return self.finish(self.start(*arguments, **options))

    def succeed(self, *arguments, **options):
        """stdout of a run that must go well."""
        code, out, err = self.run_valley(*arguments, **options)
        self.assertEqual(code, 0, err)
        return out

    def names(self, table):
        """What `valley list` shows, as errors list it: the registries grow."""
        rows = self.succeed("list", table).splitlines()[2:]
        return ", ".join(row.split()[0] for row in rows if not row.startswith("NAME.pt"))

    def subcommands(self):
        """Those of `valley --help`, as errors list them."""
        section = self.succeed("--help").split("\nSubcommands:\n")[1].split("\n\n")[0]
        return ", ".join(line.split()[0] for line in section.splitlines() if line[2] != " ")

    def train(self, out, *arguments, **options):
        """A quiet training of a moment that must go well; its summary."""
        text = self.succeed("train", *with_flags(TINY, *arguments), "--quiet", "--out", out, **options)
        self.assertEqual(text, "")
        return self.summary(out)

    def made(self, out, *command):
        """What a command that must go well leaves in `out`. It runs once for all tests of a suite, who
        each get a copy, under whatever name: for tests of what is done with it afterwards."""
        command = tuple(map(str, command))
        if command not in MADE:
            self.succeed(*command, "--quiet", "--out", out)
            MADE[command] = pathlib.Path(SHELF.name) / str(len(MADE))
            shutil.copytree(self.folder / out, MADE[command])
        else:
            shutil.copytree(MADE[command], self.folder / out)

    def trained(self, out, *arguments):
        """As train(), by made()."""
        self.made(out, "train", *with_flags(TINY, *arguments))
        return self.summary(out)

    def refuse(self, message, *arguments, code=2, **options):
        """The program says this one line, exits with `code`, and leaves the folder as it was."""
        before = snapshot(self.folder)
        got, out, err = self.run_valley(*arguments, **options)
        self.assertEqual((err, got, out), (f"valley: {message}\n", code, ""))
        self.assertEqual(snapshot(self.folder), before)

    def summary(self, out):
        return read_json(self.folder / out / "summary.json")

    def model(self, out):
        return (self.folder / out / "model.safetensors").read_bytes()

    def metrics(self, out):
        lines = (self.folder / out / "metrics.jsonl").read_text().splitlines()
        return [without_checksum(json.loads(line)) for line in lines]

    def checkpoints(self, out):
        """The steps of the complete checkpoints."""
        manifests = (self.folder / out / "checkpoints").glob("step-????????/manifest.json")
        return sorted(int(path.parent.name.removeprefix("step-")) for path in manifests)

    def break_off(self, out, step):
        """A finished run as a kill after the checkpoint of that step would have left it."""
        run = self.folder / out
        for name in ("summary.json", "model.safetensors"):
            (run / name).unlink()
        for path in (run / "checkpoints").glob("step-????????"):
            if int(path.name.removeprefix("step-")) > step:
                shutil.rmtree(path)
        self.assertEqual(self.checkpoints(out)[-1], step)

    def wait_until(self, condition, process):
        """Until it holds; the process must be running then."""
        end = time.monotonic() + TIMEOUT
        while not condition():
            self.assertIsNone(process.poll(), "it ended too early")
            self.assertLess(time.monotonic(), end, "waited in vain")
            time.sleep(0.005)

    def wait_for_checkpoint(self, out, process):
        self.wait_until(lambda: self.checkpoints(out), process)

    def interrupt(self, process, number=signal.SIGINT):
        """(exit code, stdout, stderr) after a signal."""
        process.send_signal(number)
        return self.finish(process)

    def halt(self, process):
        """SIGSTOP; all its threads have stopped when this returns, nothing is half written."""
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)

    def working(self):
        """The processes that work in the test's folder."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):  # it has ended
                    if os.readlink(entry / "cwd") == str(self.folder):
                        found.append(int(entry.name))
        return found

    def assert_none_left(self):
        self.assertEqual(self.working(), [])
