#!/usr/bin/python3
"""Synchronous and decentralised SGD on a table, over batches of 64 to 8192.

    recipes/tables.py build/release/bin/valley --keep tables.json --picture tables.svg

The table is the machine's own package index: a row a package, its target the section, its columns what
else the index says of it but for the words of its description. The rule was fixed before it was run. At
every batch every method gets the same learning rates, on the seed 101; the rate with the lowest loss on
5000 training rows, which no run there trains on, is the method's own at that batch. With it alone the
method is run on the seeds 1 to 5. All make three passes over the rows.
"""
import collections
import csv
import math
import pathlib
import subprocess
import tempfile

import runs

RATES = (0.1, 0.4, 1.6, 6.4)
WORKERS = 8
BATCHES = (64, 256, 1024, 8192)
METHODS = {
    "ssgd": ["--algorithm", "ssgd"],
    "ssgd, warm-up": ["--algorithm", "ssgd", "--warmup-share", 0.2],
    "ring atc": ["--algorithm", "dpsgd", "--topology", "ring"],
    "one-peer-exponential atc": ["--algorithm", "dpsgd", "--topology", "one-peer-exponential"],
}
VALIDATION = 5000
LISTS = pathlib.Path("/var/lib/apt/lists")
COMMON, LEAST = 60, 50
COUNTED = ("Depends", "Pre-Depends", "Recommends", "Suggests", "Provides", "Conflicts", "Replaces", "Tag")


def packages(index):
    """What the index says of every package, as {field: value}."""
    text = subprocess.run(["/usr/lib/apt/apt-helper", "cat-file", index], check=True, capture_output=True,
                          text=True).stdout  # fmt: skip
    for paragraph in text.replace("\n ", " ").split("\n\n"):
        fields = dict(line.partition(": ")[::2] for line in paragraph.splitlines())
        if "Section" in fields:
            yield fields


def write_table(index, path):
    """Sections of fewer than 50 packages are left out; makers and first words of names that are not
    among the 60 commonest are "other"."""
    rows = []
    for fields in packages(index):
        row = {"section": fields["Section"], "maker": fields["Maintainer"].partition(" <")[0],
               "word": fields["Package"].partition("-")[0], "words": fields["Package"].count("-"),
               "lib": int(fields["Package"].startswith("lib")), "architecture": fields["Architecture"],
               "priority": fields["Priority"], "multi": fields.get("Multi-Arch", "none"),
               "own source": int("Source" not in fields), "homepage": int("Homepage" in fields),
               "size": math.log1p(int(fields["Size"])),
               "installed": math.log1p(int(fields.get("Installed-Size", 0)))}  # fmt: skip
        rows.append(row | {name: fields[name].count(",") + 1 if name in fields else 0 for name in COUNTED})
    common = {column: {name for name, _ in collections.Counter(r[column] for r in rows).most_common(COMMON)}
              for column in ("maker", "word")}  # fmt: skip
    large = {name for name, count in collections.Counter(r["section"] for r in rows).items() if count >= LEAST}
    with open(path, "w", newline="") as out:
        table = csv.DictWriter(out, rows[0])
        table.writeheader()
        for row in rows:
            if row["section"] in large:
                table.writerow({key: value if value in common.get(key, {value}) else "other"
                                for key, value in row.items()})  # fmt: skip


def sweep(run, batch, methods, seeds):
    """{method: (its best rate, {rate: result}, results over the seeds)} at one batch of all workers."""
    size = ["--batch-size", batch // WORKERS]
    tries = {name: ([*flags, *size], [["--lr", rate] for rate in RATES]) for name, flags in methods.items()}
    best, tried = runs.tune(run, tries, lambda r: -r["validation_loss"], ["--validation-samples", VALIDATION])
    final = runs.final(run, tries, best, seeds)
    return {name: (best[name][1], tried[name], final[name]) for name in methods}


def report(swept):
    rows = []
    for batch, methods in swept.items():
        for name, (rate, tried, final) in methods.items():
            losses = ", ".join(runs.spread([r.get("validation_loss", math.nan)]) for r in tried)
            rows.append([batch, name, losses, rate, runs.spread(runs.column(final, "train_loss"), 3),
                         runs.spread(runs.column(final, "test_loss"), 3),
                         runs.spread(runs.accuracies(final), 1)])  # fmt: skip
    rates = ", ".join(map(str, RATES))
    print("\n" + runs.table(["Batch", "Method", f"Held-out loss at {rates}", "Rate", "Training loss",
                             "Test loss", "Test accuracy, %"], rows))  # fmt: skip


def draw(swept, path):
    with runs.picture(path, 1, width=5.5) as axes:
        if axes is None:
            return
        for name in next(iter(swept.values())):
            losses = [runs.column(swept[batch][name][2], "test_loss") for batch in swept]
            axes[0].plot(list(swept), [sum(values) / len(values) for values in losses], "o-", label=name)
        axes[0].set(xscale="log", xlabel="examples a step, all workers", ylabel="test loss")
        axes[0].set_xticks(list(swept), list(map(str, swept)), minor=False)
        axes[0].legend()


def main():
    parser = runs.options(__doc__)
    parser.add_argument("--batches", default=",".join(map(str, BATCHES)), help="by comma (%(default)s)")
    parser.add_argument("--index", metavar="FILE", help="the index of packages (that of the machine)")
    arguments = parser.parse_args()
    index = arguments.index or min(LISTS.glob("*_main_binary-*_Packages*"), key=lambda path: len(path.name))
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "packages.csv"
        write_table(index, path)
        run = runs.Runs(arguments, "tables.toml", ["--data", f"table:{path}"])
        swept = {int(batch): sweep(run, int(batch), METHODS, arguments.seeds)
                 for batch in arguments.batches.split(",")}  # fmt: skip
    report(swept)
    draw(swept, arguments.picture)


if __name__ == "__main__":
    main()
