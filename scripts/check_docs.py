#!/usr/bin/python3
"""Checks that the documents and the program know the same algorithms, options and models.

    scripts/check_docs.py build/release/bin/valley

Each algorithm has the heading "## `name`: ..." in the order of `valley list algorithms`, and its
section names every option that the list gives it. docs/models.md likewise, for `valley list
models`, and each model in its table of parameters belongs to a row of that list. The table of
docs/topologies.md has the rows of `valley list topologies`, and the numbers that `valley topology`
gives. docs/measures.md has a section for each row of `valley list measures`, which says its cost, what
it is invariant to and when it misleads. docs/DESIGN.md has a row for each of `valley list backends`,
docs/running.md for each of `valley list tasks`. CHANGELOG.md and CITATION.cff have the program's
version.
Also: every file that a Markdown file links to exists, and every flag that a Markdown file
gives to a subcommand is known. And every flag that a message of the program names is one of some
subcommand, so that no error sends anybody to a flag that does not exist.
"""
import json
import pathlib
import re
import subprocess
import sys

# Flags of others that messages name.
FOREIGN = {"--version", "--no-kill"}

ROOT = pathlib.Path(__file__).resolve().parent.parent


def output(program, *arguments):
    return subprocess.run([program, *arguments], check=True, capture_output=True, text=True).stdout


def subcommands(program):
    """Those that --help shows, and the one that is only there for shells."""
    shown = output(program, "--help").partition("\nSubcommands:\n")[2].partition("\n\n")[0]
    return [*re.findall(r"^  ([a-z-]+)", shown, flags=re.MULTILINE), "completion"]


def listed_algorithms(program):
    """{name: [flags]} from the table that `valley list algorithms` prints."""
    algorithms = {}
    for line in output(program, "list", "algorithms").splitlines():
        cells = re.split(r"\s{2,}|\s*[|│]\s*", line.strip(" |│"))
        if re.fullmatch(r"[a-z][a-z0-9-]*", cells[0]) and cells[0] != "algorithm":
            algorithms[cells[0]] = re.findall(r"--[a-z-]+", line)
    return algorithms


def check_algorithms(program):
    listed = listed_algorithms(program)
    text = (ROOT / "docs/algorithms.md").read_text()
    parts = re.split(r"^## `([a-z0-9-]+)`.*$", text, flags=re.MULTILINE)
    described = dict(zip(parts[1::2], parts[2::2]))
    if not listed or list(listed) != list(described):
        yield (f"docs/algorithms.md has the headings {', '.join(described)}; "
               f"`valley list algorithms` says {', '.join(listed)}")
    for name, flags in listed.items():
        for flag in flags:
            if not re.search(rf"`{flag}\b", described.get(name, "")):
                yield f"docs/algorithms.md: the section of {name} does not name `{flag}`"


def check_models(program):
    rows = output(program, "list", "models").splitlines()[2:]
    listed = [row.split()[0] for row in rows if not row.startswith("NAME.pt")]
    text = (ROOT / "docs/models.md").read_text()
    described = re.findall(r"^## `([^`]+)`", text, flags=re.MULTILINE)
    if not listed or listed != described:
        yield (f"docs/models.md has the headings {', '.join(described)}; "
               f"`valley list models` says {', '.join(listed)}")
    families = [re.sub("[A-Z]", "[0-9]+", name) for name in listed]
    counted = re.findall(r"^\| `([^`]+)` \|", text, flags=re.MULTILINE)
    for name in counted:
        if not any(re.fullmatch(family, name) for family in families):
            yield f"docs/models.md: `valley list models` has no {name}"
    for name, family in zip(listed, families):
        if not any(re.fullmatch(family, model) for model in counted):
            yield f"docs/models.md: the table has no model of {name}"


def check_topologies(program):
    listed = [line.split()[0] for line in output(program, "list", "topologies").splitlines()[2:]]
    text = (ROOT / "docs/topologies.md").read_text()
    rows = {re.match(r"[a-z-]+", cells[0])[0]: cells[3:6] for cells in (
        line.strip("| ").replace("`", "").split(" | ") for line in text.splitlines()
        if re.match(r"\| `", line))}
    if not listed or listed != list(rows):
        yield (f"docs/topologies.md has the rows {', '.join(rows)}; "
               f"`valley list topologies` says {', '.join(listed)}")
    for name in listed:
        if name not in rows or set(rows[name]) == {"-"}:
            continue
        facts = json.loads(output(program, "topology", name, "--workers", "16", "--json"))
        stable = (facts["stable_below"] or {}).get("awc")
        right = ["-" if facts["rho"] is None else f"{facts['rho']:.4f}",
                 str(facts["steps_to_consensus"]["1e-6"]),
                 "-" if stable is None else f"{stable:.3f}"]
        if rows[name] != right:
            yield f"docs/topologies.md: {name} has {rows[name]}, the program says {right}"


def check_measures(program):
    listed = [line.split()[0] for line in output(program, "list", "measures").splitlines()[2:]]
    text = (ROOT / "docs/measures.md").read_text()
    parts = re.split(r"^## `([a-z-]+)`$", text, flags=re.MULTILINE)
    described = dict(zip(parts[1::2], parts[2::2]))
    if not listed or listed != list(described):
        yield (f"docs/measures.md has the headings {', '.join(described)}; "
               f"`valley list measures` says {', '.join(listed)}")
    for name, section in described.items():
        for point in ("Cost", "Invariant to", "Misleads"):
            if f"\n- {point}: " not in section:
                yield f"docs/measures.md: the section of {name} does not say '{point}'"


def check_table(program, what, path, heading, besides=()):
    """The table of `path` that begins with `heading` has the rows of `valley list WHAT`, after those
    that no list has."""
    listed = [line.split()[0] for line in output(program, "list", what).splitlines()[2:]]
    table = (ROOT / path).read_text().partition(f"| {heading} | ")[2].partition("\n\n")[0]
    described = re.findall(r"^\| `([a-z0-9-]+)` \|", table, flags=re.MULTILINE)
    if described != [*besides, *listed]:
        yield (f"{path} has the {what} {', '.join(described)}; `valley list {what}` "
               f"says {', '.join(listed)}")


def check_version(program):
    """The program's, from valley/core/version.h, is the newest of the changelog and that to cite."""
    version = output(program, "--version").split()[1]
    dated = re.findall(r"^## \[(\d[^\]]*)\] - (\d{4}-\d\d-\d\d)$", (ROOT / "CHANGELOG.md").read_text(),
                       flags=re.MULTILINE)  # fmt: skip
    if not dated or dated[0][0] != version:
        yield f"CHANGELOG.md: the newest section with a date is not [{version}]"
        return
    cited = dict(re.findall(r"^(version|date-released): (\S+)$", (ROOT / "CITATION.cff").read_text(),
                            flags=re.MULTILINE))
    if (cited.get("version"), cited.get("date-released")) != dated[0]:
        yield f"CITATION.cff has not version {version} of {dated[0][1]}"


def check_links(path, text):
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)#\s]+)", prose):
        if not re.match(r"\w+:", target) and not (path.parent / target).exists():
            yield f"{path.relative_to(ROOT)}: the link to {target} leads nowhere"


def check_flags(path, text, known):
    text = text.replace("\\\n", " ")
    for command, rest in re.findall(rf"valley ({'|'.join(known)}) ([^\n`#|]*)", text):
        for flag in re.findall(r"(?<!\S)--[a-z-]+", rest):
            if flag not in known[command]:
                yield f"{path.relative_to(ROOT)}: `valley {command}` has no {flag}"


def string_literals(source):
    """The texts in C++ source, adjacent ones joined; comments left out."""
    token = re.compile(r'//[^\n]*|/\*.*?\*/|R"\((.*?)\)"|"((?:[^"\\\n]|\\.)*)"|\'(?:[^\'\\]|\\.)+\'', re.DOTALL)
    joined, end = [], None
    for match in token.finditer(source):
        text = match[1] if match[1] is not None else match[2]
        if text is None:
            continue
        if end is not None and source[end:match.start()].isspace():
            joined[-1] += text
        else:
            joined.append(text)
        end = match.end()
    return joined


def check_messages(known):
    for path in sorted([*ROOT.glob("include/**/*.h"), *ROOT.glob("valley/**/*.[ch]*"),
                        *ROOT.glob("app/**/*.[ch]*")]):
        if path.name.endswith("_test.cpp") or "page" in path.parts or "test" in path.parent.name:
            continue
        for text in string_literals(path.read_text()):
            for flag in re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", text):
                if flag not in known and flag not in FOREIGN:
                    yield f"{path.relative_to(ROOT)}: '{text}' names {flag}, which no subcommand has"
        for key in re.findall(r'\bKey\{"([^"]*)"\}', path.read_text()):
            if "--" + key not in known:
                yield f"{path.relative_to(ROOT)}: names {key}, which is no setting of a subcommand"


def main():
    program = sys.argv[1]
    known = {command: set(re.findall(r"--[a-z0-9-]+", output(program, command, "--help")))
             for command in subcommands(program)}
    problems = [*check_algorithms(program), *check_models(program)]
    problems += check_topologies(program)
    problems += check_measures(program)
    # "solo" is what every group of one is.
    problems += check_table(program, "backends", "docs/DESIGN.md", "Backend", besides=["solo"])
    problems += check_version(program)
    problems += check_table(program, "tasks", "docs/running.md", "Task")
    problems += check_messages(set.union(*known.values()))
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]):
        text = path.read_text()
        problems += check_links(path, text)
        problems += check_flags(path, text, known)
    print("\n".join(problems + [f"{len(problems)} problems in the documents"]))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
