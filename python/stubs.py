#!/usr/bin/python3
"""Writes python/valley/__init__.pyi, what editors and type checkers read of the package: a class for every
method, with its settings by name. A test compares it with what the rows say.

    PYTHONPATH=build/release/python python/stubs.py
"""

import pathlib
import re
import sys

# Beside this script lies the package without its compiled module.
sys.path = [p for p in sys.path if pathlib.Path(p or ".").resolve() != pathlib.Path(__file__).resolve().parent]

import valley  # noqa: E402

OUTPUT = pathlib.Path(__file__).resolve().parent / "valley" / "__init__.pyi"

TYPES = {bool: "bool", int: "int", float: "float", str: "str"}

HEAD = '''"""Written by python/stubs.py."""

from collections.abc import Callable
from typing import Any

import torch

from valley._core import CommError as CommError
from valley.folder import run_folder as run_folder
from valley.instruments import (
    Alignment as Alignment,
    Landscape as Landscape,
    Measurement as Measurement,
    Sharpness as Sharpness,
    alignment as alignment,
    landscape as landscape,
    sharpness as sharpness,
)
from valley.method import Method as Method
from valley.program import train as train
from valley.sampler import Sampler as Sampler
from valley.threads import run_threads as run_threads
from valley.topology import Topology as Topology, topology as topology

__version__: str
METHODS: tuple[str, ...]
'''

COMMON = """\
        model: torch.nn.Module | None = None,
        process_group: Any = None,
        total_steps: int | None = None,
        steps_per_epoch: int = 1,
        warmup_steps: int = 0,
        seed: int = 0,
        timeout: float = 300.0,
        track_width: bool = True,
        another_gradient: Callable[[], Any] | None = None,
    ) -> None: ..."""


def type_of(setting):
    # A period or a share is written as a number or as a text.
    kind = TYPES[type(setting["default"])]
    return "int | str" if re.fullmatch(r"[0-9]+", str(setting["default"])) and kind == "str" else kind


def text():
    lines = [HEAD]
    for name in valley.METHODS:
        row = getattr(valley, name)._row
        lines += [f"\nclass {name}(Method):", f'    """{row["summary"]}"""', "", "    def __init__(",
                  "        self,", "        optimizer: torch.optim.Optimizer,", "        *,"]  # fmt: skip
        lines += [f"        {s['keyword']}: {type_of(s)} = {s['default']!r}," for s in row["settings"]]
        lines.append(COMMON)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    OUTPUT.write_text(text())
