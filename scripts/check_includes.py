#!/usr/bin/python3
"""Checks every #include against the list of who may know whom (docs/DESIGN.md).

    scripts/check_includes.py            exit 1 and one line for each include that is not allowed

Public headers lie in include/valley, internal ones in valley; both are included as
"valley/ROOM/name.h". A public header includes public ones only, and so do the examples.
"""
import pathlib
import re
import sys

# A room: the rooms, or single headers of a room, that its files may include beside its own.
MAY_INCLUDE = {
    "core": [],
    "record": ["core"],
    "schedule": ["core"],
    "topology": ["core"],
    "picture": ["core", "record", "topology"],
    "comm": ["core"],
    "models": ["core"],
    "data": ["core"],
    "task": ["core"],
    "compression": ["core", "comm"],
    "optim": ["core", "models/named_tensor.h", "models/dtype.h"],
    "algorithms": ["core", "schedule", "comm", "topology", "compression", "optim"],
    "evaluation": ["core", "comm", "models", "task", "data", "optim"],
    "train": ["core", "record", "schedule", "topology", "comm", "compression", "models", "task",
              "data", "optim", "algorithms", "evaluation"],
    "analysis": ["core", "record/units.h", "comm", "models", "task", "data", "optim",
                 "evaluation"],
    "runs": ["core", "record", "comm", "models", "task", "data", "optim", "train"],
    "instruments": ["core", "record", "picture", "comm", "models", "task", "data", "optim", "analysis",
                    "train", "runs"],
    "study": ["core", "record", "picture", "models", "data", "optim", "analysis", "train", "runs",
              "instruments"],
    "report": ["core", "record"],
    "testing": ["core", "comm"],
}
WITHOUT_LIBTORCH = {"core", "record", "schedule", "topology", "picture", "report"}
LIBTORCH = re.compile(r"(ATen|c10|torch|caffe2)/")
SOCKETS = re.compile(r"(torch/csrc/distributed|c10d)/")
KNOWS_SOCKETS = re.compile(r"valley/comm/(\w+\.cpp|(c10d_group|c10d_store|group_mesh|lookout|process_group(_join)?)\.h"
                           r"|testing/\w+\.\w+)$")
ONLY_FOR_TESTS = re.compile(r"(gtest/|gmock/|valley/testing/|valley/\w+/testing/|.*/test_\w+\.h$)")
PUBLIC_ONLY = {"include": "those outside include/ are not installed",
               "examples": "examples show what users can include"}
# What is not Valley's in a public header: the standard library, and what find_package(Valley) finds.
FOUND_FOR_USERS = re.compile(r"(\w+$|sys/types\.h$|(ATen|c10|torch|fmt|nlohmann)/)")
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]')


def is_test(path):
    return (path.name.endswith("_test.cpp") or path.parts[0] in ("tests", "benchmarks") or "testing" in path.parts
            or path.name.startswith("test_"))


def is_public(header, root):
    return (root / "include" / header).exists()


def why_not(path, header, root):
    """The rule that `header` in `path` breaks, or None."""
    if header == "torch/torch.h":
        return "torch/torch.h costs every file 20 s; include what is used"
    if ONLY_FOR_TESTS.match(header) and not is_test(path):
        return "only tests include it"
    if path.parts[0] in PUBLIC_ONLY and header.startswith(("valley/", "app/")):
        if not is_public(header, root):
            return f"no public header; {PUBLIC_ONLY[path.parts[0]]}"
    if path.parts[0] == "include":
        path = path.relative_to("include")
        if not header.startswith("valley/") and not FOUND_FOR_USERS.match(header):
            return "find_package(Valley) does not find it for those who include this"
    if path.parts[0] != "valley" or len(path.parts) == 2:  # valley/valley.h, of all rooms
        return None
    room = path.parts[1]
    if room not in MAY_INCLUDE:
        return f"valley/{room} is not in the table of scripts/check_includes.py"
    if room in WITHOUT_LIBTORCH and LIBTORCH.match(header) and not is_test(path):
        return f"{room} does without LibTorch"
    if SOCKETS.match(header) and not KNOWS_SOCKETS.match(str(path)):
        return "c10d stays inside valley/comm"
    other = re.match(r"valley/(\w+)/(.+)", header)
    if header.startswith("app/"):
        return "the library does not know the program"
    if other is None or other[1] == room or is_test(path):
        return None
    allowed = MAY_INCLUDE[room]
    if other[1] not in allowed and f"{other[1]}/{other[2]}" not in allowed:
        return f"{room} may include {', '.join(allowed) or 'no other room'}"
    return None


def light_files(root):
    """The files that a room names after LIGHT: its part that does without LibTorch."""
    for cmake in sorted(root.glob("valley/*/CMakeLists.txt")):
        for names in re.findall(r"\bLIGHT((?:\s+\w+\.cpp)+)", cmake.read_text()):
            for name in names.split():
                yield cmake.parent / name


def header_file(header, root):
    return root / "include" / header if is_public(header, root) else root / header


def libtorch_behind(path, root, seen):
    """The chain of includes from `path` to a header of LibTorch, or None."""
    if path in seen:
        return None
    seen.add(path)
    for match in filter(None, map(INCLUDE.match, path.read_text().splitlines())):
        if LIBTORCH.match(match[1]):
            return [path.relative_to(root), match[1]]
        if match[1].startswith("valley/"):
            chain = libtorch_behind(header_file(match[1], root), root, seen)
            if chain:
                return [path.relative_to(root), *chain]
    return None


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    wrong = files = 0
    for folder in ("include", "valley", "app", "tests", "examples", "benchmarks"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in {".h", ".cpp"}:
                continue
            files += 1
            relative = path.relative_to(root)
            if folder == "valley" and is_public(str(relative), root):
                wrong += 1
                print(f"{relative}: include/{relative} has the same name")
            for number, line in enumerate(path.read_text().splitlines(), 1):
                match = INCLUDE.match(line)
                reason = match and why_not(relative, match[1], root)
                if reason:
                    wrong += 1
                    print(f"{relative}:{number}: {match[1]}: {reason}")
    for path in light_files(root):
        chain = libtorch_behind(path, root, set())
        if chain:
            wrong += 1
            print(f"{' includes '.join(map(str, chain))}: {path.relative_to(root)} is light")
    print(f"{files} files, {wrong} includes that are not allowed")
    return 1 if wrong or not files else 0


if __name__ == "__main__":
    sys.exit(main())
