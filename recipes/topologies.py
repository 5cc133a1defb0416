#!/usr/bin/python3
"""The generalisation gap of decentralised SGD against the spectral gap of its graph.

    recipes/topologies.py build/release/bin/valley --keep topologies.json --picture topologies.svg

The question is that of arXiv 2206.02093, whose bound of the generalisation error grows as the spectral gap
falls. Nothing is tuned: the same learning rate, batch and steps on every graph, three seeds, data dealt
out evenly and by dirichlet:0.1. The generalisation gap is the test loss less the training loss, both of
the workers' average; Kendall's tau-b is over all runs of one kind of data.
"""
import runs

GRAPHS = ("complete", "exponential", "hypercube", "torus", "grid", "tree", "ring", "star", "chain")
DATA = {"dealt out evenly": [], "dirichlet:0.1": ["--partition", "dirichlet:0.1"]}


def main():
    arguments = runs.options(__doc__, seeds=3).parse_args()
    run = runs.Runs(arguments, "topologies.toml")
    spectral = {name: runs.ask(arguments.valley, "topology", name, "--workers", 16, "--json")["spectral_gap"]
                for name in GRAPHS}  # fmt: skip
    graphs = sorted(GRAPHS, key=spectral.get, reverse=True)
    found = {kind: {name: [run("--topology", name, *flags, "--seed", seed)
                           for seed in range(1, arguments.seeds + 1)] for name in graphs}
             for kind, flags in DATA.items()}  # fmt: skip
    rows = []
    for name in graphs:
        row = [name, f"{spectral[name]:.3f}"]
        for of_kind in found.values():
            row += [runs.spread(gaps(of_kind[name]), 3), runs.spread(runs.column(of_kind[name], "train_loss"), 3),
                    runs.spread(runs.accuracies(of_kind[name]), 1)]  # fmt: skip
        rows.append(row)
    print("\n" + runs.table(["Graph", "Spectral gap", *(f"{title}, {kind}" for kind in DATA for title in
                                                        ("Gap", "training loss", "test accuracy, %"))], rows))  # fmt: skip
    for kind, of_kind in found.items():
        points = [(-spectral[name], gap) for name in graphs for gap in gaps(of_kind[name])]
        print(f"\n{kind}: tau-b of the generalisation gap with 1 less the spectral gap {runs.tau_b(*zip(*points)):.2f}")
    draw(found, spectral, arguments.picture)


def gaps(results):
    return [r["test_loss"] - r["train_loss"] for r in results if r["status"] != "diverged"]


def draw(found, spectral, path):
    with runs.picture(path, len(found)) as axes:
        if axes is None:
            return
        for axis, (kind, of_kind) in zip(axes, found.items()):
            for name, results in of_kind.items():
                axis.plot([spectral[name]] * len(gaps(results)), gaps(results), "o", alpha=0.6)
                axis.annotate(name, (spectral[name], max(gaps(results))), fontsize=7, rotation=45)
            axis.set(xscale="log", xlabel="spectral gap", ylabel="test loss - training loss", title=kind)


if __name__ == "__main__":
    main()
