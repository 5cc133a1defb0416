#!/usr/bin/python3
"""Compares synchronous and decentralised SGD over learning rates, and each at its best one.

    recipes/dpsgd_rates.py build/release/bin/valley --keep rates.json --picture rates.svg
    recipes/dpsgd_rates.py build/release/bin/valley --recipe dpsgd-spoken-digits.toml
                           --data fsdd:PATH --rates 0.5,1,2,4

The rule was fixed before it was run. Every method gets the same learning rates, on the seed 101;
the rate with the lowest training loss at the workers' average is the method's best, one at which the
run diverged never is. With it alone the method is then run on the seeds 1 to 5. The figures are
training losses; test accuracy is shown beside and chooses nothing.
"""
import math

import runs

METHODS = {
    "ssgd": ["--algorithm", "ssgd"],
    "ssgd-noise .01": ["--algorithm", "ssgd-noise", "--noise", "0.01"],
    "ssgd-noise .003": ["--algorithm", "ssgd-noise", "--noise", "0.003"],
    "ring awc": ["--topology", "ring", "--mixing", "awc"],
    "ring atc": ["--topology", "ring", "--mixing", "atc"],
    "ring cta": ["--topology", "ring", "--mixing", "cta"],
    "matching awc": ["--topology", "matching", "--mixing", "awc"],
    "matching atc": ["--topology", "matching", "--mixing", "atc"],
    "one-peer-exponential awc": ["--topology", "one-peer-exponential", "--mixing", "awc"],
    "one-peer-exponential atc": ["--topology", "one-peer-exponential", "--mixing", "atc"],
}


def sweep(run, methods, rates):
    """{method: {rate: the training loss, infinite where the run diverged}}"""
    return {name: {rate: run(*METHODS[name], "--lr", rate, "--seed", runs.TUNING_SEED)["train_loss"]
                   for rate in rates} for name in methods}  # fmt: skip


def cell(loss):
    return f"{loss:.3g}" if math.isfinite(loss) else "diverged"


def report(swept, final):
    rates = list(next(iter(swept.values())))
    print(f"\ntraining loss on the seed {runs.TUNING_SEED}, by learning rate\n")
    print(runs.table(["Method", *rates], [[name, *(cell(by_rate[rate]) for rate in rates)]
                                          for name, by_rate in swept.items()]))  # fmt: skip
    print("\nat each method's best learning rate\n")
    rows = [[name, rate, runs.spread(runs.column(results, "train_loss"), 3),
             runs.spread(runs.column(results, "test_loss"), 3), runs.spread(runs.accuracies(results), 1),
             f"{results[0].get('comm_fraction_of_ssgd', math.nan):.2f}"]
            for name, (rate, results) in final.items()]  # fmt: skip
    print(runs.table(["Method", "Learning rate", "Training loss", "Test loss", "Test accuracy, %",
                      "Bytes, of ssgd's"], rows))  # fmt: skip


def draw(swept, final, path):
    with runs.picture(path, 2) as axes:
        if axes is None:
            return
        for number, (name, by_rate) in enumerate(swept.items()):
            style = {"color": f"C{number}", "marker": "osp*v^D<>Px"[number], "markersize": 4}
            known = [loss if math.isfinite(loss) else math.nan for loss in by_rate.values()]
            axes[0].plot(list(by_rate), known, linewidth=1.2, **style)
            rate, results = final[name]
            losses = runs.column(results, "train_loss")
            axes[1].plot(losses, [-number] * len(losses), linestyle="", alpha=0.7, **style)
        axes[0].set(xscale="log", xlabel="learning rate", ylabel="training loss")
        rates = list(next(iter(swept.values())))
        axes[0].set_xticks(rates, labels=[f"{rate:g}" for rate in rates])
        axes[0].minorticks_off()
        axes[0].set_title("seed 101; no mark: it diverged", fontsize=9, loc="left")
        axes[1].set(xlabel="training loss", ylim=(0.5 - len(final), 0.5), yticks=range(0, -len(final), -1),
                    yticklabels=[f"{name} at {rate:g}" for name, (rate, _) in final.items()])  # fmt: skip
        axes[1].set_title("each at its best learning rate, a dot a seed", fontsize=9, loc="left")


def main():
    parser = runs.options(__doc__)
    parser.add_argument("--recipe", default="dpsgd-fashion-mnist.toml", help="one of this folder (%(default)s)")
    parser.add_argument("--data", help="where they are in no package: fsdd:PATH")
    parser.add_argument("--rates", default="0.1,0.2,0.4,0.6,0.8,1.2", help="learning rates (%(default)s)")
    parser.add_argument("--methods", default=",".join(METHODS), help="some of them, by comma (all)")
    arguments = parser.parse_args()
    run = runs.Runs(arguments, arguments.recipe, ["--data", arguments.data] if arguments.data else [])
    swept = sweep(run, arguments.methods.split(","), list(map(float, arguments.rates.split(","))))
    final = {}
    for name, by_rate in swept.items():
        rate = min(by_rate, key=by_rate.get)
        final[name] = (rate, [run(*METHODS[name], "--lr", rate, "--seed", seed)
                              for seed in range(1, arguments.seeds + 1)])  # fmt: skip
    report(swept, final)
    draw(swept, final, arguments.picture)


if __name__ == "__main__":
    main()
