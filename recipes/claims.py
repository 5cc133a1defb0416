#!/usr/bin/python3
"""Every relative against what its authors compare it with, at a small scale.

    recipes/claims.py build/release/bin/valley --keep claims.json

The rule was fixed before it was run. Method and baseline get the same three tries of the learning rate
on seed 101, judged by the loss on 512 training images that no run there trains on; then both run on the
seeds 1 to 3. A claim "better" holds here if the mean test accuracy is higher and at least two of three
pairs of the same seed are; "as good, for less" if it is no more than one per cent lower and fewer bytes
are sent. That a claim does not hold here says little of where its authors made it.
"""
import math
import statistics

import runs

SGD = [["--lr", rate] for rate in (0.025, 0.05, 0.1)]
ADAM = [["--lr", rate] for rate in (0.001, 0.003, 0.01)]
LARS = [["--lr", rate] for rate in (2, 8, 32)]  # in units of a layer's own size
SIGNS = [["--lr", rate] for rate in (0.1, 0.4, 1.6)]
BETTER, LESS = "better", "as good, for less"

DIFFER = ["--partition", "dirichlet:0.1"]
RING = ["--algorithm", "dpsgd", "--topology", "ring"]
ALONE = ["--algorithm", "local-sgd", "--period", 1000000]
DILOCO = ["--algorithm", "diloco"]
ROUNDS = ["--period", 16, *DIFFER]
FEDAVG = ["--algorithm", "fedavg", *ROUNDS]
LARGE = ["--algorithm", "ssgd", "--batch-size", 128, "--warmup-share", 0.1]  # 1024 together, 40 steps
ADAMW = ["--optimizer", "adamw", "--momentum", -1]
SSGD_ADAMW = ["--algorithm", "ssgd", *ADAMW]

# claim: (what is said, the method, its tries, the baseline, its tries)
CLAIMS = {
    "dsgd-ac / dpsgd": (BETTER, ["--algorithm", "dsgd-ac", "--topology", "ring"], SGD, RING, SGD),
    "noloco / diloco": (LESS, ["--algorithm", "noloco"], SGD, DILOCO, SGD),
    "palsgd / diloco, period 32": (BETTER, ["--algorithm", "palsgd", "--period", 32], SGD,
                                   [*DILOCO, "--period", 32], SGD),
    "diloco, momentum anew every 5 / diloco": (BETTER, [*DILOCO, "--outer-restart", 5], SGD, DILOCO, SGD),
    "sparta / alone": (BETTER, ["--algorithm", "sparta"], SGD, ALONE, SGD),
    "wash / alone": (BETTER, ["--algorithm", "wash"], SGD, ALONE, SGD),
    "sparsign / ssgd": (LESS, ["--algorithm", "sparsign"], SIGNS, ["--algorithm", "ssgd"], SGD),
    "cd-adam / ssgd, adamw": (LESS, ["--algorithm", "cd-adam", *ADAMW, "--weight-decay", 0], ADAM, SSGD_ADAMW, ADAM),
    "lars / sgd, batch 1024": (BETTER, [*LARGE, "--optimizer", "lars"], LARS, LARGE, SGD),
    "lamb / adamw, batch 1024": (BETTER, [*LARGE, "--optimizer", "lamb", "--momentum", -1], ADAM,
                                 [*LARGE, *ADAMW], ADAM),
    "base-graph / ring, data differ": (BETTER, ["--algorithm", "dpsgd", "--topology", "base-graph", *DIFFER],
                                       SGD, [*RING, *DIFFER], SGD),
    "one-peer-random / ring": (LESS, ["--algorithm", "dpsgd", "--topology", "one-peer-random"], SGD, RING, SGD),
    "equi-static / ring, data differ": (BETTER, ["--algorithm", "dpsgd", "--topology", "equi-static", *DIFFER],
                                        SGD, [*RING, *DIFFER], SGD),
    "three gossips / one, data differ": (BETTER, [*RING, "--gossips", 3, *DIFFER], SGD,
                                         [*RING, *DIFFER], SGD),
    "a gossip every 4 steps / in each": (LESS, [*RING, "--gossip-period", 4], SGD, RING, SGD),
    "dpsgd, adamw / ssgd, adamw": (BETTER, [*RING, *ADAMW], ADAM, SSGD_ADAMW, ADAM),
    "dpsgd every 4 steps with SAM / without": (BETTER, [*RING, "--gossip-period", 4, "--sam", 0.05], SGD,
                                               [*RING, "--gossip-period", 4], SGD),
    "scaffold / fedavg, data differ": (BETTER, ["--algorithm", "scaffold", *ROUNDS], SGD, FEDAVG, SGD),
    "fedprox / fedavg, data differ": (BETTER, ["--algorithm", "fedprox", *ROUNDS], SGD, FEDAVG, SGD),
    "drag / fedavg, data differ": (BETTER, ["--algorithm", "drag", *ROUNDS], SGD, FEDAVG, SGD),
    "half of the workers / all, data differ": (LESS, [*FEDAVG, "--participate", 0.5], SGD, FEDAVG, SGD),
    "relaysgd / dpsgd, chain, data differ": (BETTER, ["--algorithm", "relaysgd", *DIFFER], SGD,
                                             ["--algorithm", "dpsgd", "--topology", "chain", *DIFFER], SGD),
    "local-sgd, qsr / period 8": (BETTER, ["--period", "qsr:4:0.02"], SGD, [], SGD),
    "post-local from the middle / ssgd": (BETTER, ["--period", "post-local:10:8"], SGD,
                                          ["--algorithm", "ssgd"], SGD),
    "lookahead / sgd, one worker": (BETTER, [*DILOCO, "--workers", 1, "--batch-size", 128, "--period", 5,
                                             "--outer-lr", 0.5, "--outer-momentum", 0], SGD,
                                    ["--algorithm", "ssgd", "--workers", 1, "--batch-size", 128], SGD),
}  # fmt: skip
VALIDATION = 512


def sent(results):
    """Of ssgd's bytes; nan where the first run diverged."""
    return results[0].get("comm_fraction_of_ssgd", math.nan)


def holds(what, method, baseline):
    ours, theirs = runs.accuracies(method), runs.accuracies(baseline)
    gain = statistics.mean(ours) - statistics.mean(theirs)
    if what == LESS:
        return gain >= -1 and sent(method) < sent(baseline)
    return gain > 0 and sum(a > b for a, b in zip(ours, theirs)) >= 2 * len(ours) / 3


def main():
    parser = runs.options(__doc__, seeds=3)
    parser.add_argument("--claims", default=";".join(CLAIMS), help="some of them, by semicolon (all)")
    arguments = parser.parse_args()
    run = runs.Runs(arguments, "claims.toml")
    rows, kept = [], 0
    for name in arguments.claims.split(";"):
        what, *sides = CLAIMS[name]
        methods = {"method": sides[:2], "baseline": sides[2:]}
        best, _ = runs.tune(run, methods, lambda r: -r["validation_loss"],
                            ["--validation-samples", VALIDATION])  # fmt: skip
        final = runs.final(run, methods, best, arguments.seeds)
        gain = [a - b for a, b in zip(*(runs.accuracies(results) for results in final.values()))]
        yes = holds(what, final["method"], final["baseline"])
        kept += yes
        rows.append([name, what, *(runs.spread(runs.accuracies(results), 1) for results in final.values()),
                     runs.spread(gain), *(runs.spread(runs.column(results, "train_loss"), 3)
                                          for results in final.values()),
                     " / ".join(f"{sent(results):.3f}" for results in final.values()), ", ".join(runs.words(flags) for flags in best.values()),
                     "yes" if yes else "no"])  # fmt: skip
    print("\n" + runs.table(["Method / baseline", "Claim", "Test accuracy, %", "of the baseline", "In pairs",
                             "Training loss", "of the baseline", "Bytes, of ssgd's", "Chosen",
                             "Holds here"], rows))  # fmt: skip
    print(f"\n{kept} of {len(rows)} hold here")


if __name__ == "__main__":
    main()
