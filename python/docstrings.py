#!/usr/bin/python3
"""Writes the Python module _docs: what the headers say of every method, by its name.

    docstrings.py HEADERS... OUTPUT

A method's text stands once, above its make_NAME() in include/valley/algorithms; the classes of the
package show the same.
"""

import pathlib
import re
import sys

MADE = re.compile(r"((?:^///.*\n)+)std::unique_ptr<Algorithm> make_(\w+)\(", re.MULTILINE)


def text_of(comment):
    """A block of ///, without the marks and with keywords where flags stand."""
    lines = [line[3:].removeprefix(" ").rstrip() for line in comment.splitlines()]
    text = "\n".join(line for line in lines if not line.startswith("@throws")).strip()
    return re.sub(r"--([a-z][a-z-]*)", lambda flag: flag[1].replace("-", "_"), text)


def main(*paths):
    *headers, output = map(pathlib.Path, paths)
    docs = {}
    for header in headers:
        for comment, name in MADE.findall(header.read_text()):
            docs[name.replace("_", "-")] = text_of(comment)
    lines = [f"    {name!r}: {text!r}," for name, text in sorted(docs.items())]
    output.write_text("DOCS = {\n" + "\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
