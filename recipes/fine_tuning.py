#!/usr/bin/python3
"""Fine-tuning from --init: 100 digits, from a network that knows clothes, from scratch, and frozen.

    recipes/fine_tuning.py build/release/bin/valley --data mnist:PATH --keep fine-tuning.json

The rule was fixed before it was run. A lenet is trained on Fashion-MNIST by ssgd (three epochs, seed
0). Of every start (new weights; those of that network, the last layer too, for both have ten classes;
the same with its convolutions frozen) and method there are three tries on seed 101: the learning rates
.01, .03 and .1, or of dppf the distances lambda / alpha 1, 2 and 4 at .03. The try with the lowest loss
on 500 further training digits is the row's own; with it alone the seeds 1 to 5, each of which draws
other 100 digits.
"""
import pathlib
import subprocess
import tempfile

import runs

RATES = [["--lr", rate] for rate in (0.01, 0.03, 0.1)]
METHODS = {
    "ssgd": (["--algorithm", "ssgd"], RATES),
    "local-sgd": (["--algorithm", "local-sgd"], RATES),
    "dppf": (["--algorithm", "dppf"], [["--push", push] for push in (0.5, 1, 2)]),
}
VALIDATION = 500


def pretrain(arguments, folder):
    """A run folder of a network that knows Fashion-MNIST."""
    steps = ["--steps", str(arguments.steps)] if arguments.steps else []
    subprocess.run([arguments.valley, "train", "--data", "fashion-mnist", "--model", "lenet", "--algorithm",
                    "ssgd", "--epochs", "3", "--batch-size", "16", "--lr", "0.05", "--seed", "0",
                    "--evaluate-every", "0", "--quiet", "--out", folder, *steps],
                   check=True, stdout=subprocess.DEVNULL)  # fmt: skip


def main():
    parser = runs.options(__doc__)
    parser.add_argument("--data", required=True, help="mnist:PATH")
    arguments = parser.parse_args()
    run = runs.Runs(arguments, "fine-tuning.toml", ["--data", arguments.data])
    with tempfile.TemporaryDirectory() as folder:
        clothes = pathlib.Path(folder) / "clothes"
        pretrain(arguments, clothes)
        starts = {"from scratch": [], "from clothes": ["--init", clothes],
                  "from clothes, frozen": ["--init", clothes, "--freeze", "conv*"]}  # fmt: skip
        methods = {f"{method}, {start}": ([*flags, *init], tries) for start, init in starts.items()
                   for method, (flags, tries) in METHODS.items()}  # fmt: skip
        few = 100 + VALIDATION
        best, tried = runs.tune(run, methods, lambda r: -r["validation_loss"],
                                ["--train-samples", few, "--validation-samples", VALIDATION])  # fmt: skip
        final = runs.final(run, methods, best, arguments.seeds)
    print("\n" + runs.tries_table(methods, tried, best, "validation_loss", "Held-out loss"))
    settings = {name: runs.words(flags) for name, flags in best.items()}
    print("\n" + runs.comparison(final, "local-sgd, from scratch", settings))
    runs.draw_comparison(final, [name for name in final if name.startswith("dppf")], arguments.picture)


if __name__ == "__main__":
    main()
