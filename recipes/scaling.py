#!/usr/bin/python3
"""More or fewer workers: the settings found with four, by the rules of --scale-from.

    recipes/scaling.py build/release/bin/valley --keep scaling.json --picture scaling.svg

The rule was fixed before it was run; nothing is tuned. The recipe's settings for four workers are
brought to 1 and 16, of 16 images a step each, in three ways: as they are, --scale-from 4, and
--scale-from 4 --scale-rule square-root. As many epochs, so as many images, for all; seeds 1 to 3.
"""
import runs

RULES = {
    "as they are": [],
    "linear": ["--scale-from", 4],
    "square root": ["--scale-from", 4, "--scale-rule", "square-root"],
}
WORKERS = (1, 4, 16)
METHODS = ("local-sgd", "dppf")


def main():
    arguments = runs.options(__doc__, seeds=3).parse_args()
    run = runs.Runs(arguments, "scaling.toml")
    rows, curves = [], {}
    for method in METHODS:
        for rule, flags in RULES.items():
            for workers in WORKERS:
                same = rule != "as they are" and workers == 4  # the settings themselves
                one = ["--push", 0] if method == "dppf" and workers == 1 else []
                results = [run("--algorithm", method, "--workers", workers, *one, *([] if same else flags),
                               "--seed", seed) for seed in range(1, arguments.seeds + 1)]  # fmt: skip
                curves.setdefault((method, rule), []).append(results)
                if same:
                    continue
                rows.append([method, workers, "found here" if workers == 4 else rule, results[0]["steps"],
                             runs.spread(runs.accuracies(results)),
                             runs.spread(runs.column(results, "test_loss"), 3),
                             runs.spread(runs.column(results, "train_loss"), 3),
                             runs.spread(runs.column(results, "valley_width"))])  # fmt: skip
    print("\n" + runs.table(["Method", "Workers", "Rule", "Steps", "Test accuracy, %", "Test loss",
                             "Training loss", "Width"], rows))  # fmt: skip
    draw(curves, arguments.picture)


def draw(curves, path):
    with runs.picture(path, len(METHODS)) as axes:
        if axes is None:
            return
        for axis, method in zip(axes, METHODS):
            for rule in RULES:
                means = [sum(runs.accuracies(r)) / len(r) for r in curves[method, rule]]
                axis.plot(WORKERS, means, "o-", label=rule)
            axis.set(xscale="log", xlabel="workers", ylabel="test accuracy, %", title=method)
            axis.set_xticks(WORKERS, list(map(str, WORKERS)), minor=False)
            axis.legend()


if __name__ == "__main__":
    main()
