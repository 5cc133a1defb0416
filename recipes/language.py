#!/usr/bin/python3
"""Trains a small language model with four methods: loss against what was sent.

    recipes/language.py build/release/bin/valley --data text:PATH --keep language.json

The rule was fixed before it was run. Every method gets two tries on seed 101: the learning rates
.003 and .006; dppf the distances lambda / alpha 1 and 3 at .003. The try with the lowest
loss on the last 100 of the training sequences, which no run here trains on, is the method's own. With
it alone the method is run on the seeds 1 to 5. All see the same bytes of text.
"""
import math

import runs

RATES = [["--lr", rate] for rate in (0.003, 0.006)]
METHODS = {
    "ssgd": (["--algorithm", "ssgd"], RATES),
    "local-sgd": (["--algorithm", "local-sgd"], RATES),
    "diloco": (["--algorithm", "diloco"], RATES),
    "dppf": (["--algorithm", "dppf"], [["--push", 0.5], ["--push", 1.5]]),
}  # fmt: skip
VALIDATION = 100


def report(final, chosen):
    rows = [[name, chosen[name], runs.spread(runs.column(results, "test_loss"), 3),
             runs.spread([r["test_loss"] / math.log(2) for r in results], 3),
             runs.spread([a["test_loss"] - b["test_loss"] for a, b in zip(results, final["ssgd"])], 3),
             runs.spread(runs.column(results, "train_loss"), 3),
             runs.spread([r.get("valley_width", math.nan) for r in results]),
             f"{results[0]['comm_fraction_of_ssgd']:.3f}"]
            for name, results in final.items()]  # fmt: skip
    print("\n" + runs.table(["Method", "Setting", "Test loss", "Bits a byte", "Against ssgd, in pairs",
                             "Training loss", "Width", "Bytes sent, of ssgd's"], rows))  # fmt: skip


def draw(final, path):
    with runs.picture(path, 1, width=5.5) as axes:
        if axes is None:
            return
        for name, results in final.items():
            sent = [result["comm_fraction_of_ssgd"] for result in results]
            axes[0].plot(sent, runs.column(results, "test_loss"), "o", label=name, alpha=0.6)
        axes[0].set(xscale="log", xlabel="bytes sent, of ssgd's", ylabel="test loss, nats a byte")
        axes[0].legend()


def main():
    parser = runs.options(__doc__)
    parser.add_argument("--data", required=True, help="text:PATH, a file or folder")
    arguments = parser.parse_args()
    run = runs.Runs(arguments, "language.toml", ["--data", arguments.data])
    best, tried = runs.tune(run, METHODS, lambda r: -r["validation_loss"],
                            ["--validation-samples", VALIDATION])  # fmt: skip
    print("\n" + runs.tries_table(METHODS, tried, best, "validation_loss", "Held-out loss"))
    final = runs.final(run, METHODS, best, arguments.seeds)
    report(final, {name: runs.words(flags) for name, flags in best.items()})
    draw(final, arguments.picture)


if __name__ == "__main__":
    main()
