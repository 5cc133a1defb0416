#!/usr/bin/python3
"""With and without a push where the workers' data differ by nature: Debian's packages, by maintainer.

    recipes/sections.py build/release/bin/valley --keep sections.json --picture sections.svg

The rule was fixed before it was run: that of dppf_comparison.py, four tries for every method, on seed
101, judged by the loss on 5000 training examples that no run there trains on; the seeds 1 to 5 with the
best try alone. The second tries of dppf were added when all else had come out. "dealt out anew" is
local-sgd on the same examples without --partition.
"""
import itertools

import runs
from dppf_comparison import pushes

RATES = [["--lr", rate] for rate in (0.0125, 0.025, 0.05, 0.1)]
METHODS = {
    "ssgd": (["--algorithm", "ssgd"], RATES),
    "local-sgd": (["--algorithm", "local-sgd"], RATES),
    "local-sgd, dealt out anew": (["--algorithm", "local-sgd", "--partition", "iid"], RATES),
    "scaffold": (["--algorithm", "scaffold"], RATES),
    "dppf without push": (["--algorithm", "dppf", "--push", 0],
                          [["--pull", pull, "--lr", rate]
                           for pull, rate in itertools.product((0.1, 0.5), (0.025, 0.05))]),
    "dppf": (["--algorithm", "dppf"], pushes(0.5)),
    # Added when the others had come out: a learning rate that suits the rest, and less of a distance.
    "dppf, second tries": (["--algorithm", "dppf", "--lr", 0.025], pushes(0.5, (0.1, 0.3))),
}  # fmt: skip
VALIDATION = 5000


def main():
    arguments = runs.options(__doc__).parse_args()
    run = runs.Runs(arguments, "sections.toml")
    best, tried = runs.tune(run, METHODS, lambda r: -r["validation_loss"],
                            ["--validation-samples", VALIDATION])  # fmt: skip
    print("\n" + runs.tries_table(METHODS, tried, best, "validation_loss", "Held-out loss"))
    final = runs.final(run, METHODS, best, arguments.seeds)
    settings = {name: runs.words(flags) for name, flags in best.items()}
    print("\n" + runs.comparison(final, "local-sgd", settings))
    runs.draw_comparison(final, ["dppf", "dppf, second tries"], arguments.picture)


if __name__ == "__main__":
    main()
