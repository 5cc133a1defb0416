"""What the drivers of the recipes share: runs that are kept, figures over seeds, tables, pictures."""
import argparse
import contextlib
import itertools
import json
import math
import os
import pathlib
import shlex
import statistics
import subprocess
import sys
import tempfile

RECIPES = pathlib.Path(__file__).resolve().parent
FASHION = pathlib.Path("/usr/share/datasets/fashion-mnist")
DIVERGENCE = 5  # the exit code
DIVERGED = {"status": "diverged", "train_loss": math.inf, "test_loss": math.inf, "train_accuracy": 0.0,
            "test_accuracy": 0.0}  # fmt: skip
KEPT = ["status", "steps", "train_loss", "train_accuracy", "validation_loss", "validation_accuracy",
        "test_loss", "test_accuracy", "valley_width", "predicted_width",
        "comm_fraction_of_ssgd"]  # fmt: skip
TUNING_SEED = 101


class Runs:
    """Runs of `valley train` with one recipe. What a run gave is kept under its flags in a JSON file, so
    that a second call goes on where the first one stopped; no run is made twice."""

    def __init__(self, options, recipe, common=(), look=None):
        """look(folder) gives further figures of a finished run, which are kept with the others."""
        self.look = look
        self.valley, self.recipe = options.valley, RECIPES / recipe
        steps = ["--steps", str(options.steps)] if options.steps else []
        self.common = [*common, *steps, *shlex.split(options.also)]
        self.threads = str(options.threads)
        self.keep = pathlib.Path(options.keep) if options.keep else None
        self.results = json.loads(self.keep.read_text()) if self.keep and self.keep.exists() else {}

    def __call__(self, *flags):
        """The figures of the run with these flags on top of the recipe's settings. Of a run that
        diverged losses are infinite and accuracies 0."""
        flags = [*map(str, flags), *self.common]
        key = " ".join(without_path(flags))
        if key not in self.results:
            self.results[key] = self.train(flags)
            print(f"  {key}: {brief(self.results[key])}", flush=True)
            if self.keep:
                new = self.keep.with_suffix(".new")
                new.write_text(json.dumps(self.results, indent=1) + "\n")
                new.replace(self.keep)
        return DIVERGED if self.results[key]["status"] == "diverged" else self.results[key]

    def train(self, flags):
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "run")
            run = subprocess.run(
                [self.valley, "train", "--config", self.recipe, *flags, "--threads", self.threads,
                 "--quiet", "--json", "--out", out],
                capture_output=True, text=True)  # fmt: skip
            if run.returncode == DIVERGENCE:
                return {"status": "diverged"}
            if run.returncode != 0:
                sys.exit(f"{' '.join(flags)}: {run.stderr.strip()}")
            summary = json.loads(run.stdout)
            if None in (summary["train_loss"], summary["test_loss"]):  # its last step went too far
                return {"status": "diverged"}
            figures = {name: summary[name] for name in KEPT if name in summary}
            figures["seconds"] = round(summary["seconds"]["total"], 1)
            return figures | (self.look(out) if self.look else {})


def ask(*command):
    """What an instrument prints as JSON."""
    run = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"{' '.join(map(str, command))}: {run.stderr.strip()}")
    return json.loads(run.stdout)


def without_path(flags):
    """The flags without where data and weights lie, which differs from machine to machine."""
    shorter = {"--data": lambda value: value.split(":")[0], "--init": lambda value: pathlib.Path(value).name}
    return [shorter.get(before, str)(flag) for before, flag in zip(["", *flags], flags)]


def brief(result):
    if result["status"] == "diverged":
        return "diverged"
    parts = [f"{part} {result[part + '_loss']:.3g}, {100 * result.get(part + '_accuracy', math.nan):.1f} %"
             for part in ("train", "validation", "test") if part + "_loss" in result]  # fmt: skip
    return "; ".join([*parts, f"{result['seconds']} s"])


def tune(run, methods, score, common=()):
    """Of {method: (what makes it, its tries)} the try of every method with the highest score, on the
    tuning seed, and what every try gave: {method: try}, {method: [result]}. A run that diverged is
    never the best as long as one did not."""
    tried = {name: [run(*method, *flags, *common, "--seed", TUNING_SEED) for flags in tries]
             for name, (method, tries) in methods.items()}  # fmt: skip
    best = {}
    for name, results in tried.items():
        scores = [-math.inf if r["status"] == "diverged" else score(r) for r in results]
        best[name] = methods[name][1][scores.index(max(scores))]
    return best, tried


def final(run, methods, best, seeds, common=()):
    """{method: its results with its best try, on the seeds 1, 2, ...}"""
    return {name: [run(*method, *best[name], *common, "--seed", seed) for seed in range(1, seeds + 1)]
            for name, (method, _) in methods.items()}  # fmt: skip


def tries_table(methods, tried, best, score, title, scale=1, digits=3):
    """The tries of every method and the scores they were chosen by."""
    rows = [[name, "; ".join(words(flags) for flags in methods[name][1]),
             ", ".join(spread([scale * r.get(score, math.nan)], digits) for r in results),
             words(best[name])] for name, results in tried.items()]  # fmt: skip
    return table(["Method", "Tries", title, "Chosen"], rows)


def words(flags):
    """The flags as a person says them."""
    return " ".join(str(flag).removeprefix("--") for flag in flags if flag != "--push-schedule")


def column(results, name):
    return [result[name] for result in results]


def spread(values, digits=2, scale=1):
    """Mean and standard deviation over the runs that did not diverge; says how many did."""
    finite = [scale * value for value in values if math.isfinite(value)]
    if not finite:
        return "diverged" if len(values) == 1 else "all diverged"
    text = f"{statistics.mean(finite):.{digits}f}"
    if len(finite) > 1:
        text += f" ± {statistics.stdev(finite):.{digits}f}"
    lost = len(values) - len(finite)
    return text + (f" ({lost} of {len(values)} diverged)" if lost else "")


def accuracies(results, name="test_accuracy"):
    """In per cent; not finite where the run diverged, so that `spread` sets it apart."""
    return [100 * r[name] if r["status"] != "diverged" else math.nan for r in results]


def table(header, rows):
    """As Markdown."""
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in [header, *rows]]
    return "\n".join([lines[0], "|" + " --- |" * len(header), *lines[1:]])


def comparison(final, reference, settings=None):
    """The table of {method: results over the seeds}; settings are what was chosen for each."""
    rows = []
    for name, results in final.items():
        gain = [a - b for a, b in zip(accuracies(results), accuracies(final[reference]))]
        rows.append([name, *([settings[name]] if settings else []), spread(accuracies(results)),
                     "" if name == reference else spread(gain), spread(column(results, "test_loss"), 3),
                     spread(accuracies(results, "train_accuracy"), 1),
                     spread([r.get("valley_width", math.nan) for r in results]),
                     f"{results[0].get('comm_fraction_of_ssgd', math.nan):.3f}"])  # fmt: skip
    return table(["Method", *(["Setting"] if settings else []), "Test accuracy, %",
                  f"Against {reference}, in pairs", "Test loss", "Training accuracy, %", "Width",
                  "Bytes, of ssgd's"], rows)  # fmt: skip


def tau_b(x, y):
    """Kendall's, by its definition."""
    sign = lambda v: (v > 0) - (v < 0)  # noqa: E731
    pairs = list(itertools.combinations(range(len(x)), 2))
    dx, dy = ([sign(v[i] - v[j]) for i, j in pairs] for v in (x, y))
    untied = sum(map(abs, dx)) * sum(map(abs, dy))
    return sum(a * b for a, b in zip(dx, dy)) / math.sqrt(untied) if untied else math.nan


@contextlib.contextmanager
def picture(path, columns, width=9.0, height=3.6):
    """Axes of a figure that is written as SVG, the same bytes for the same data; none without a path."""
    if not path:
        yield None
        return
    import matplotlib  # the package python3-matplotlib: only who wants a picture needs it

    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.hashsalt": "valley", "font.size": 9, "axes.spines.top": False,
                                "axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.3,
                                "axes.axisbelow": True})  # fmt: skip
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, columns, figsize=(width, height), squeeze=False, layout="constrained")
    yield axes[0]
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def draw_comparison(final, pushed, path):
    """Test accuracy and loss of every method; those with a push in orange."""
    with picture(path, 2, height=1.0 + 0.2 * len(final)) as axes:
        if axes is None:
            return
        names = list(final)[::-1]
        figures = {"test accuracy, %": accuracies, "test loss": lambda results: column(results, "test_loss")}
        for axis, (label, figure) in zip(axes, figures.items()):
            for height, name in enumerate(names):
                values = [value for value in figure(final[name]) if math.isfinite(value)]
                colour = "tab:orange" if name in pushed else "tab:blue"
                axis.plot(values, [height] * len(values), "o", color=colour, alpha=0.35, markersize=4)
                if values:
                    axis.plot([statistics.mean(values)], [height], "|", color=colour, markersize=11,
                              markeredgewidth=2.5)  # fmt: skip
            axis.set(xlabel=label, yticks=range(len(names)), yticklabels=names, ylim=(-0.7, len(names) - 0.3))
        axes[1].tick_params(labelleft=False)
        axes[0].set_title("orange: with a push; a dot a seed, a bar the mean", fontsize=9, loc="left")


def options(doc, seeds=5):
    """The parser of a driver, with what all of them take."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("valley", help="the program, build/release/bin/valley")
    parser.add_argument("--keep", metavar="FILE.json", help="keep every run here, and go on from there")
    parser.add_argument("--picture", metavar="FILE.svg", help="draw it; needs the package python3-matplotlib")
    parser.add_argument("--seeds", type=int, default=seeds, help="how many (%(default)s)")
    parser.add_argument("--steps", type=int, default=0, help="of every run, to try the driver; 0: the recipe's")
    parser.add_argument("--also", metavar="FLAGS", default="", help="more flags of every run, in one word")
    parser.add_argument("--threads", type=int, default=1, help="computing threads a worker (%(default)s)")
    return parser
