#!/usr/bin/python3
"""Holds the limits on the lines of code of a .cpp, comments and blank lines aside.

    scripts/check_lines.py            exit 1 and one line for each file that is too long
    scripts/check_lines.py --list     all files with their limit, the longest first
"""
import pathlib
import re
import sys

# The first that matches counts. A file that holds one table, row by row, is as long as its table.
LIMITS = [
    (r"valley/train/trainer\.cpp", 150),                 # the loop
    (r"valley/algorithms/(table|registry)\.cpp", None),  # the rows of all algorithms
    (r"valley/(algorithms|compression)/\w+\.cpp", 80),  # an algorithm, or a part of one
    (r"app/(engine/)?\w+\.cpp", 200),
]
NO_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', re.S)


def lines_of_code(text):
    kept = NO_CODE.sub(lambda m: m[0] if m[0][0] != "/" else "\n" * m[0].count("\n"), text)
    return sum(bool(line.strip()) for line in kept.splitlines())


def limit_of(path):
    return next((limit for pattern, limit in LIMITS if re.fullmatch(pattern, path)), None)


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    rows = []
    for path in sorted(root.glob("valley/*/*.cpp")) + sorted(root.glob("app/**/*.cpp")):
        limit = limit_of(path.relative_to(root).as_posix())
        if limit is not None and not path.name.endswith("_test.cpp"):
            rows.append((lines_of_code(path.read_text()), limit, path.relative_to(root)))
    if sys.argv[1:] == ["--list"]:
        for lines, limit, path in sorted(rows, reverse=True):
            print(f"{lines:4} of {limit:3} {path}")
    long = [row for row in rows if row[0] > row[1]]
    for lines, limit, path in long:
        print(f"{path}: {lines} lines of code, at most {limit}")
    print(f"{len(rows)} files, {len(long)} too long")
    return 1 if long or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
