#!/usr/bin/python3
"""Compares DPPF and its relatives, with and without a push, where a network overfits.

    recipes/dppf_comparison.py build/release/bin/valley --keep dppf.json --picture dppf.svg
    recipes/dppf_comparison.py build/release/bin/valley --keep dirichlet.json --recipe dirichlet.toml
                               --methods "local-sgd;local-sgd, push;dppf without push;dppf"

The rule was fixed before it was run. Every method gets four tries, TRIES below, on seed 101, trained
on 1000 of the first 55,000 training images of Fashion-MNIST and judged on the last 5000, which no run
trains on. The try with the highest accuracy there is the method's own. It alone is then trained on the
seeds 1 to 5, each with 1000 of all training images, and judged on the test images. A seed decides the
images, the weights and the order; so seeds can be compared in pairs.

Tries: methods without a push try the learning rate and their own strength (rho of SAM, the pull);
methods with one try two distances lambda / alpha (1 and 3) and two schedules, at the recipe's learning
rate and pull.
"""
import gzip
import itertools
import pathlib
import tempfile

import runs

RATES = [["--lr", rate] for rate in (0.02, 0.05, 0.1, 0.2)]
PULLS = [["--pull", pull, "--lr", rate] for pull, rate in itertools.product((0.1, 0.5), (0.05, 0.1))]
MOVING = [["--moving-rate", beta, "--lr", rate] for beta, rate in itertools.product((0.4, 0.9), (0.05, 0.1))]


def pushes(pull, distances=(1, 3)):
    """These distances from the average, with both schedules."""
    return [["--push", round(pull * distance, 4), "--push-schedule", schedule]
            for distance, schedule in itertools.product(distances, ("constant", "increasing"))]


# name: (what makes the method, its four tries)
METHODS = {
    "ssgd": (["--algorithm", "ssgd"], RATES),
    "ssgd, SAM": (["--algorithm", "ssgd"], [["--sam", rho] for rho in (0.05, 0.1, 0.2, 0.4)]),
    "local-sgd": (["--algorithm", "local-sgd"], RATES),
    "local-sgd, push": (["--algorithm", "dppf", "--pull", 1], pushes(1)),
    "dppf without push": (["--algorithm", "dppf", "--push", 0], PULLS),
    "dppf": (["--algorithm", "dppf", "--pull", 0.5], pushes(0.5)),
    "easgd": (["--algorithm", "easgd", "--push", 0], MOVING),
    "easgd, push": (["--algorithm", "easgd", "--moving-rate", 0.9], pushes(0.9 / 4)),
    "lsgd": (["--algorithm", "lsgd", "--push", 0], PULLS),
    "lsgd, push": (["--algorithm", "lsgd", "--pull", 0.5], pushes(0.5)),
    "mgrawa": (["--algorithm", "mgrawa", "--push", 0], PULLS),
    "mgrawa, push": (["--algorithm", "mgrawa", "--pull", 0.5], pushes(0.5)),
    "dppf, SAM": (["--algorithm", "dppf", "--pull", 0.5, "--sam", 0.1], pushes(0.5)),
}
REFERENCE = "local-sgd"


def hold_out(folder, count=5000):
    """The training images as a set of its own: the last `count` are its test images."""
    for kind, header in (("images-idx3", 16), ("labels-idx1", 8)):
        content = gzip.decompress((runs.FASHION / f"train-{kind}-ubyte.gz").read_bytes())
        total = int.from_bytes(content[4:8], "big")
        size = (len(content) - header) // total
        cut = header + (total - count) * size
        parts = {"train": (total - count, content[header:cut]), "t10k": (count, content[cut:])}
        for name, (number, body) in parts.items():
            (pathlib.Path(folder) / f"{name}-{kind}-ubyte").write_bytes(
                content[:4] + number.to_bytes(4, "big") + content[8:header] + body)


def report(methods, best, tried, final):
    rows = [[name, "; ".join(runs.words(flags) for flags in methods[name][1]),
             ", ".join(runs.spread([a], 1) for a in runs.accuracies(held_out)),
             ", ".join(runs.spread([a]) for a in runs.column(held_out, "test_loss")), runs.words(best[name])]
            for name, held_out in tried.items()]  # fmt: skip
    print("\n" + runs.table(["Method", "Tries", "Held-out accuracy, %", "Held-out loss", "Chosen"], rows))
    settings = {name: runs.words(flags) for name, flags in best.items()}
    print("\n" + runs.comparison(final, REFERENCE, settings))


def main():
    parser = runs.options(__doc__)
    parser.add_argument("--recipe", default="dppf-comparison.toml", help="one of this folder (%(default)s)")
    parser.add_argument("--methods", default=";".join(METHODS), help="some of them, by semicolon (all)")
    arguments = parser.parse_args()
    run = runs.Runs(arguments, arguments.recipe)
    methods = {name: METHODS[name] for name in arguments.methods.split(";")}
    with tempfile.TemporaryDirectory() as folder:
        hold_out(folder)
        best, tried = runs.tune(run, methods, lambda r: r["test_accuracy"],
                                ["--data", f"fashion-mnist:{folder}"])  # fmt: skip
    final = runs.final(run, methods, best, arguments.seeds)
    report(methods, best, tried, final)
    pushed = [name for name, (_, tries) in methods.items() if "--push" in tries[0]]
    runs.draw_comparison(final, pushed, arguments.picture)


if __name__ == "__main__":
    main()
