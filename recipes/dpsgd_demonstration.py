#!/usr/bin/python3
"""Finds, for each data seed, a learning rate where synchronous SGD fails, and compares there.

    recipes/dpsgd_demonstration.py build/release/bin/valley [--data-seeds 1,2,3] [--out FILE.json]

The rule was fixed before it was run: per data seed the smallest learning rate of RATES at which the
median training loss of ssgd over the init seeds 1 to 5 exceeds 1; there, on the init seeds 6 to 10,
dpsgd on a ring with mixing atc shall have less than half of ssgd's median and be below it in at least
4 of 5 pairs. The other methods run at the same rate, without a rule. At RATES[0] every method's
median shall be within 25 % of ssgd's.
"""
import argparse
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

RATES = [0.4, 0.8, 1.2, 1.6, 2.0, 2.4, 2.8, 3.2]
METHODS = {
    "ssgd": ["--algorithm", "ssgd"],
    "dpsgd ring atc": ["--topology", "ring", "--mixing", "atc"],
    "dpsgd ring cta": ["--topology", "ring", "--mixing", "cta"],
    "dpsgd ring awc": ["--topology", "ring", "--mixing", "awc"],
    "dpsgd matching awc": ["--topology", "matching", "--mixing", "awc"],
    "dpsgd one-peer-exponential atc": ["--topology", "one-peer-exponential", "--mixing", "atc"],
    "ssgd-noise .1": ["--algorithm", "ssgd-noise", "--noise", "0.1"],
}
RECIPE = pathlib.Path(__file__).resolve().parent / "dpsgd-demonstration.toml"
DIVERGED = 5


def train_loss(valley, method, rate, data_seed, seed):
    """The training loss at the workers' average; infinite if the run diverged."""
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            [valley, "train", "--config", RECIPE, *METHODS[method], "--lr", str(rate), "--seed", str(seed),
             "--data-seed", str(data_seed), "--threads", "1", "--quiet", "--json",
             "--out", os.path.join(folder, "run")],
            capture_output=True, text=True)  # fmt: skip
    if run.returncode == DIVERGED:
        return math.inf
    if run.returncode != 0:
        sys.exit(f"{method} at {rate}: {run.stderr.strip()}")
    return json.loads(run.stdout)["train_loss"]


def losses(valley, method, rate, data_seed, seeds):
    return [train_loss(valley, method, rate, data_seed, seed) for seed in seeds]


def demonstrate(valley, data_seed):
    """The rule on one data seed, as a dictionary; "rate" is None where ssgd never fails."""
    first, chosen = range(1, 6), None
    for rate in RATES:
        median = statistics.median(losses(valley, "ssgd", rate, data_seed, first))
        if rate == RATES[0]:
            gentle = {m: statistics.median(losses(valley, m, rate, data_seed, first)) for m in METHODS}
        print(f"  ssgd at {rate}: median {median:.3g}", flush=True)
        if median > 1:
            chosen = rate
            break
    result = {"data_seed": data_seed, "rate": chosen, "gentle": gentle,
              "gentle_within_25_percent": all(abs(v / gentle["ssgd"] - 1) <= 0.25 for v in gentle.values())}
    if chosen is None:
        return result | {"holds": False}
    result["losses"] = {m: losses(valley, m, chosen, data_seed, range(6, 11)) for m in METHODS}
    result["medians"] = {m: statistics.median(v) for m, v in result["losses"].items()}
    pairs = list(zip(result["losses"]["dpsgd ring atc"], result["losses"]["ssgd"]))
    result["wins"] = sum(a < b for a, b in pairs)
    medians = result["medians"]
    result["holds"] = medians["dpsgd ring atc"] < medians["ssgd"] / 2 and result["wins"] >= 4
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("valley")
    parser.add_argument("--data-seeds", default="1,2,3,4,5,6")
    parser.add_argument("--out")
    arguments = parser.parse_args()
    results = []
    for data_seed in map(int, arguments.data_seeds.split(",")):
        print(f"data seed {data_seed}", flush=True)
        results.append(demonstrate(arguments.valley, data_seed))
        if arguments.out:
            pathlib.Path(arguments.out).write_text(json.dumps(results, indent=1) + "\n")
    print("\n| data seed | learning rate | " + " | ".join(METHODS) + " | wins | holds |")
    print("|" + " --- |" * (len(METHODS) + 4))
    for r in results:
        cells = [f"{r['medians'][m]:.3g}" for m in METHODS] if r["rate"] else ["" for _ in METHODS]
        print(f"| {r['data_seed']} | {r['rate']} | " + " | ".join(cells) +
              f" | {r.get('wins', 0)} of 5 | {'yes' if r['holds'] else 'no'} |")
    print(f"\nat learning rate {RATES[0]}, medians:")
    for r in results:
        print(f"  data seed {r['data_seed']}: " + ", ".join(f"{m} {v:.3g}" for m, v in r["gentle"].items()))


if __name__ == "__main__":
    main()
