"""The program `valley`, from Python."""

import json
import os
import pathlib
import shutil
import subprocess
import sys


def find():
    """The path of the program: that of the environment variable VALLEY, else the one that was installed
    with this package, else the first in PATH.

    Raises:
        FileNotFoundError: there is none.
    """
    given = os.environ.get("VALLEY")
    beside = pathlib.Path(__file__).resolve().parent / "bin" / "valley"
    for path in (given, beside if beside.exists() else None, shutil.which("valley")):
        if path:
            return str(path)
    raise FileNotFoundError("the program valley is not installed beside this package, nor in PATH")


def train(config, out, *, quiet=True, **settings):
    """A whole training by the program, `valley train`; its summary.

        valley.train({"model": "lenet", "algorithm": "dppf", "workers": 4}, out="runs/first")

    Args:
        config: settings by the names of the program's flags, with - or _; or the path of a config.toml.
        out: the folder of the run.
        quiet: without the program's progress.
        **settings: more of them, which win.

    Returns:
        summary.json of the run, as a dict.

    Raises:
        ValueError: a setting that cannot be, in the program's one line.
        RuntimeError: the training failed.
    """
    settings = {**({} if isinstance(config, (str, os.PathLike)) else config), **settings}
    command = [find(), "train"]
    if isinstance(config, (str, os.PathLike)):
        command += ["--config", os.fspath(config)]
    for key, value in settings.items():
        flag = "--" + key.replace("_", "-")
        if value is True:
            command.append(flag)
        elif value is not False and value is not None:
            command += [flag, str(value)]
    command += ["--out", os.fspath(out)] + (["--quiet"] if quiet else [])
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        message = lines[-1] if lines else f"valley train ended with {done.returncode}"
        raise (ValueError if done.returncode == 2 else RuntimeError)(message.removeprefix("valley: "))
    return json.loads((pathlib.Path(out) / "summary.json").read_text())


def main():
    os.execv(find(), ["valley", *sys.argv[1:]])
