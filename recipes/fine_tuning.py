#!/usr/bin/python3
"""Fine-tuning from --init: 100 pictures, from a network that knows others, from scratch, and frozen.

    recipes/fine_tuning.py build/release/bin/valley --keep fine-tuning.json --picture fine-tuning.svg
    recipes/fine_tuning.py build/release/bin/valley --data mnist:PATH --keep digits.json

The network, a lenet, knows the classes 0 to 4 of Fashion-MNIST (ssgd, three epochs, seed 0); the
pictures are of its classes 5 to 9. With --data mnist:PATH it knows all classes, and the pictures are
handwritten digits. The rule was fixed before it was run. Of every start (new weights; those of that
network; the same with its convolutions frozen) and method there are three tries on seed 101: the
learning rates .01, .03 and .1, or of dppf the distances lambda / alpha 1, 2 and 4 at .03. The try with
the lowest loss on 500 further training pictures is the row's own; with it alone the seeds 1 to 5, each
of which draws other 100.
"""
import gzip
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


def write_classes(folder, first):
    """Five classes of Fashion-MNIST as a set of their own, with classes 0 to 4."""
    folder.mkdir()
    for part in ("train", "t10k"):
        images, labels = (gzip.decompress((runs.FASHION / f"{part}-{kind}-ubyte.gz").read_bytes())
                          for kind in ("images-idx3", "labels-idx1"))  # fmt: skip
        kept = [i for i, label in enumerate(labels[8:]) if first <= label < first + 5]
        count = len(kept).to_bytes(4, "big")
        pixels = b"".join(images[16 + 784 * i : 16 + 784 * (i + 1)] for i in kept)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(images[:4] + count + images[8:16] + pixels)
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(
            labels[:4] + count + bytes(labels[8 + i] - first for i in kept))  # fmt: skip
    return f"mnist:{folder}"


def pretrain(arguments, data, folder):
    """A run folder of a network that knows other pictures."""
    steps = ["--steps", str(arguments.steps)] if arguments.steps else []
    subprocess.run([arguments.valley, "train", "--data", data, "--model", "lenet", "--algorithm",
                    "ssgd", "--epochs", "3", "--batch-size", "16", "--lr", "0.05", "--seed", "0",
                    "--evaluate-every", "0", *steps, "--quiet", "--out", folder],
                   check=True, stdout=subprocess.DEVNULL)  # fmt: skip


def main():
    parser = runs.options(__doc__)
    parser.add_argument("--data", help="mnist:PATH, for digits in place of other clothes")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        known = "fashion-mnist" if arguments.data else write_classes(folder / "first", 0)
        wanted = arguments.data or write_classes(folder / "second", 5)
        run = runs.Runs(arguments, "fine-tuning.toml", ["--data", wanted])
        clothes = folder / "clothes"
        pretrain(arguments, known, clothes)
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
