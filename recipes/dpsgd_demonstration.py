#!/usr/bin/python3
"""Finds, for each data seed, a learning rate where synchronous SGD fails, and compares there.

    recipes/dpsgd_demonstration.py build/release/bin/valley --keep demonstration.json

The rule was fixed before it was run: per data seed the smallest learning rate of RATES at which the
median training loss of ssgd over the init seeds 1 to 5 exceeds 1; there, on the init seeds 6 to 10,
dpsgd on a ring with mixing atc shall have less than half of ssgd's median and be below it in at least
4 of 5 pairs. The other methods run at the same rate, without a rule. At RATES[0] every method's
median shall be within 25 % of ssgd's.
"""
import statistics

import runs

RATES = [0.4, 0.8, 1.2, 1.6, 2.0, 2.4, 2.8, 3.2]
METHODS = {
    "ssgd": ["--algorithm", "ssgd"],
    "dpsgd ring atc": ["--topology", "ring", "--mixing", "atc"],
    "dpsgd ring cta": ["--topology", "ring", "--mixing", "cta"],
    "dpsgd ring awc": ["--topology", "ring", "--mixing", "awc"],
    "dpsgd matching awc": ["--topology", "matching", "--mixing", "awc"],
    "dpsgd one-peer-exponential atc": ["--topology", "one-peer-exponential", "--mixing", "atc"],
    "ssgd-noise .1": ["--algorithm", "ssgd-noise", "--noise", "0.1"],
}
RULED = "dpsgd ring atc"


def losses(run, method, rate, data_seed, seeds):
    """The training losses at the workers' average; infinite where a run diverged."""
    flags = [*METHODS[method], "--lr", rate, "--data-seed", data_seed]
    return [run(*flags, "--seed", seed)["train_loss"] for seed in seeds]


def demonstrate(run, data_seed, rates, count):
    """The rule on one data seed, as a dictionary; "rate" is None where ssgd never fails."""
    first, second = range(1, count + 1), range(count + 1, 2 * count + 1)
    median = {rate: statistics.median(losses(run, "ssgd", rate, data_seed, first)) for rate in rates[:1]}
    gentle = {m: statistics.median(losses(run, m, rates[0], data_seed, first)) for m in METHODS}
    for rate in rates[1:]:
        if max(median.values()) > 1:
            break
        median[rate] = statistics.median(losses(run, "ssgd", rate, data_seed, first))
    chosen = next((rate for rate, loss in median.items() if loss > 1), None)
    result = {"data_seed": data_seed, "rate": chosen, "gentle": gentle, "holds": False}
    if chosen is None:
        return result
    result["losses"] = {m: losses(run, m, chosen, data_seed, second) for m in METHODS}
    result["medians"] = medians = {m: statistics.median(v) for m, v in result["losses"].items()}
    result["wins"] = sum(a < b for a, b in zip(result["losses"][RULED], result["losses"]["ssgd"]))
    result["holds"] = medians[RULED] < medians["ssgd"] / 2 and result["wins"] >= 0.8 * count
    return result


def report(results, rates, count):
    rows = []
    for r in results:
        cells = [f"{r['medians'][m]:.3g}" for m in METHODS] if r["rate"] else ["" for _ in METHODS]
        rows.append([r["data_seed"], r["rate"] or "none", *cells, f"{r.get('wins', 0)} of {count}",
                     "yes" if r["holds"] else "no"])
    print("\n" + runs.table(["data seed", "learning rate", *METHODS, "wins", "holds"], rows))
    print(f"\nat learning rate {rates[0]}, medians\n")
    print(runs.table(["data seed", *METHODS, "within 25 %"],
                     [[r["data_seed"], *(f"{v:.3g}" for v in r["gentle"].values()),
                       "yes" if all(abs(v / r["gentle"]["ssgd"] - 1) <= 0.25 for v in r["gentle"].values())
                       else "no"] for r in results]))  # fmt: skip


def draw(results, path):
    failed = [r for r in results if r["rate"]]
    with runs.picture(path, len(failed) if path else 1, height=3.0) as axes:
        if axes is None:
            return
        names = list(METHODS)[::-1]
        for axis, r in zip(axes, failed):
            for height, name in enumerate(names):
                losses, style = r["losses"][name], {"color": f"C{height}"}
                axis.plot(losses, [height] * len(losses), "o", alpha=0.5, **style)
                axis.plot([r["medians"][name]], [height], "|", markersize=14, markeredgewidth=2.5, **style)
            axis.set(xscale="log", xlabel="training loss", yticks=range(len(names)), yticklabels=names)
            axis.set_title(f"data seed {r['data_seed']}, learning rate {r['rate']:g}", fontsize=9, loc="left")
            axis.tick_params(labelleft=axis is axes[0])


def main():
    parser = runs.options(__doc__)
    parser.add_argument("--data-seeds", default="1,2,3,4,5,6", help="by comma (%(default)s)")
    parser.add_argument("--rates", type=int, default=len(RATES), help="how many of RATES (%(default)s)")
    arguments = parser.parse_args()
    run = runs.Runs(arguments, "dpsgd-demonstration.toml")
    rates, results = RATES[:arguments.rates], []
    for data_seed in map(int, arguments.data_seeds.split(",")):
        results.append(demonstrate(run, data_seed, rates, arguments.seeds))
    report(results, rates, arguments.seeds)
    draw(results, arguments.picture)


if __name__ == "__main__":
    main()
