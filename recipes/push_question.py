#!/usr/bin/python3
"""Push, or stop pulling? Six ways to a flatter minimum, on the same steps.

    recipes/push_question.py build/release/bin/valley --keep question.json --picture question.svg

The recipe is that of dppf_comparison.py, and so is the rule, fixed before it was run: four tries for
every method on seed 101, judged by the loss on 500 of its 1000 training images that no run there trains
on; then the seeds 1 to 5 with the best try alone, on all 1000. Of those runs the largest eigenvalue, the
mean valley and where the workers' gaps point are measured too, over 250 training images.
"""
import itertools
import json
import pathlib

import runs
from dppf_comparison import RATES, pushes

METHODS = {
    "nothing (local-sgd)": (["--algorithm", "local-sgd"], RATES),
    "push (dppf)": (["--algorithm", "dppf"], pushes(0.5)),
    "stop pulling": (["--algorithm", "dppf", "--push", 0],
                     [["--pull", pull, "--fade", fade] for pull, fade in itertools.product((0.1, 0.5), (1, 3))]),
    "dsgd-ac": (["--algorithm", "dsgd-ac", "--topology", "ring"],
                [["--fade", fade, "--lr", rate] for fade, rate in itertools.product((1, 3), (0.05, 0.1))]),
    "SAM": (["--algorithm", "local-sgd"], [["--sam", rho] for rho in (0.05, 0.1, 0.2, 0.4)]),
    "SWA": (["--algorithm", "local-sgd"],
            [["--average", f"last:{rounds}", "--lr-schedule", schedule]
             for rounds, schedule in itertools.product((15, 60), ("cosine", "constant"))]),
}  # fmt: skip
REFERENCE = "nothing (local-sgd)"
VALIDATION = 500


def main():
    arguments = runs.options(__doc__).parse_args()
    valley = arguments.valley

    def sharpness(folder, *measures):
        found = runs.ask(valley, "sharpness", folder, "--json", "--quiet", "--samples", 250, "--draws", 10,
                         "--lanczos", 30, "--measures", ",".join(measures))["runs"][0]["measures"]  # fmt: skip
        return {name: measure["value"] for name, measure in found.items()}

    def look(folder):
        figures = sharpness(folder, "lambda-max", "mean-valley-random")
        summary = json.loads((pathlib.Path(folder) / "summary.json").read_text())
        if summary["valley_width"] < 1e-3:  # the workers are at one point
            return figures
        figures |= sharpness(folder, "mean-valley", "mean-valley-share")
        points = runs.ask(valley, "dynamics", folder, "--json", "--quiet", "--samples", 250, "--draws", 5,
                          "--eigenvectors", 5)["runs"][0]["alignment"]  # fmt: skip
        mean = lambda values: sum(values) / len(values)  # noqa: E731
        return figures | {"gaps": mean(points["of_workers"]), "gradient": points["of_gradient"],
                          "random": points["of_random"]["value"], "bend": mean(points["bend_of_workers"]),
                          "random_bend": points["bend_of_random"]["value"],
                          "penalty": points["penalty"]}  # fmt: skip

    plain = runs.Runs(arguments, "dppf-comparison.toml")
    best, tried = runs.tune(plain, METHODS, lambda r: -r["validation_loss"],
                            ["--validation-samples", VALIDATION])  # fmt: skip
    seen = runs.Runs(arguments, "dppf-comparison.toml", look=look)
    final = runs.final(seen, METHODS, best, arguments.seeds)
    print("\n" + runs.tries_table(METHODS, tried, best, "validation_loss", "Held-out loss"))
    print("\n" + runs.comparison(final, REFERENCE, {name: runs.words(flags) for name, flags in best.items()}))
    report(final)
    runs.draw_comparison(final, ["push (dppf)"], arguments.picture)


COLUMNS = {  # of the second table: the figure, its digits
    "lambda-max": ("lambda-max", 1),
    "mean-valley": ("mean-valley", 3),
    "share": ("mean-valley-share", 2),
    "along random directions": ("mean-valley-random", 4),
    "Gaps in the 5 sharpest directions": ("gaps", 4),
    "the gradient": ("gradient", 3),
    "random directions": ("random", 5),
    "Curvature along gaps": ("bend", 3),
    "along random directions ": ("random_bend", 4),
    "mean d^T H d": ("penalty", 3),
}


def report(final):
    rows = [[name, *(shown(results, key, digits) for key, digits in COLUMNS.values())]
            for name, results in final.items()]  # fmt: skip
    print("\n" + runs.table(["Method", *COLUMNS], rows))


def shown(results, key, digits):
    """Over the runs that have it: of those whose workers are at one point many figures are missing."""
    values = [r[key] for r in results if r.get(key) is not None]
    return runs.spread(values, digits) if values else ""


if __name__ == "__main__":
    main()
