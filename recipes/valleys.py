#!/usr/bin/python3
"""Where a push has set the width: does another reading of the mean valley still order the runs?

    recipes/valleys.py build/release/bin/valley --out runs/study

Runs the study of study.toml (what is there is not made again). Then, of every run that it ranks:
mean-valley, mean-valley-share (in units of the width), mean-valley-random (along random directions), and
for runs with a push mean-valley along the gaps of their twin, the run that differs in nothing but push 0.
Prints Kendall's tau-b of each with the generalisation gap, over the runs without a push, those with one,
and all. The readings were fixed before it was run; all are shown.
"""
import argparse
import json
import pathlib
import subprocess

import runs

READINGS = ["mean-valley", "mean-valley-share", "mean-valley-random", "along the twin", "lambda-max"]


def twin_of(run, ranked):
    """The run of the same settings without a push."""
    wanted = run["settings"] | {"push": "0"}
    return next((other for other in ranked if other["settings"] == wanted), None)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("valley", help="the program, build/release/bin/valley")
    parser.add_argument("--recipe", default=runs.RECIPES / "study.toml", help="of the study (%(default)s)")
    parser.add_argument("--out", default="runs/study", help="its folder (%(default)s)")
    arguments = parser.parse_args()
    subprocess.run([arguments.valley, "study", arguments.recipe, "--out", arguments.out], check=True)
    out = pathlib.Path(arguments.out)
    study = json.loads((out / "study.json").read_text())
    ranked = [run for run in study["runs"] if run.get("measures")]

    def measure(run, names, *flags):
        found = runs.ask(arguments.valley, "sharpness", run["run"], "--json", "--quiet", "--samples", 500,
                         "--draws", 10, "--lanczos", 30, "--measures", ",".join(names), "--out",
                         out / "again.json", *flags)["runs"][0]["measures"]  # fmt: skip
        return {name: m["value"] for name, m in found.items()}

    for run in ranked:
        run["read"] = measure(run, [name for name in READINGS if name != "along the twin"])
        twin = twin_of(run, ranked)
        run["read"]["along the twin"] = (
            run["read"]["mean-valley"] if twin is run else
            measure(run, ["mean-valley"], "--along", twin["run"])["mean-valley"] if twin else None)  # fmt: skip
    (out / "again.json").unlink(missing_ok=True)
    groups = {"without a push": [run for run in ranked if run["settings"]["push"] == "0"],
              "with one": [run for run in ranked if run["settings"]["push"] != "0"], "all": ranked}  # fmt: skip
    rows = []
    for name in READINGS:
        row = [name]
        for members in groups.values():
            values = [(run["read"][name], run["generalization_gap"]) for run in members
                      if run["read"][name] is not None]  # fmt: skip
            row.append(f"{runs.tau_b(*zip(*values)):.2f} ({len(values)} runs)" if len(values) > 3 else "too few")
        rows.append(row)
    print("\n" + runs.table(["Reading", *groups], rows))


if __name__ == "__main__":
    main()
