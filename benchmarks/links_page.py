#!/usr/bin/python3
"""The tables of docs/performance.md, in Markdown, and its picture, from what links.py has measured.

    links_page.py LINKS.json [PICTURE.svg]     the picture needs python3-matplotlib
"""

import json
import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "recipes"))
import runs  # noqa: E402

results = json.load(open(sys.argv[1]))


def link(row):
    speed = "loopback" if row["mbit"] is None else f"{row['mbit']:,} Mbit/s"
    return speed if not row["ms"] else f"{speed}, {row['ms']} ms"


def ms(seconds):
    return f"{1e3 * seconds:.4g}"


def said(part):
    found = results[part]
    print(f"\n{part}: {found['date']}, {found['cores']} cores, load before {found['load_before'][0]:.1f}\n")
    return found["results"]


def rounds():
    found = said("rounds")
    print(runs.table(
        ["Link", "Values", "Gloo's all-reduce, ms", "valley's", "round of dppf", "/ floor", "with --wire bf16", "bf16 / float32"],
        [[link(r), f"{r['parameters']:,}", ms(r["gloo_all_reduce"]), ms(r["all_reduce"]), ms(r["round"]),
          f"{r['round'] / (r['all_reduce'] + r['pass']):.2f}", ms(r["round_bf16"]), f"{r['round_bf16'] / r['round']:.2f}"]
         for r in found]))  # fmt: skip
    print()
    print(runs.table(["Operation", "Payload", "Sent", "Sent / payload", "Confirmed by TCP / sent"],
                     [[o["name"], f"{o['payload']:,}", f"{o['sent']:,}",
                       f"{o['sent'] / o['payload']:.4f}" if o["payload"] else "",
                       f"{o['acknowledged'] / o['sent']:.4f}"] for o in found[0]["operations"]]))  # fmt: skip


def steps_of(learnt):
    """The mean over the seeds; None if one of them missed the target."""
    steps = [step for step, _ in learnt]
    return None if None in steps else statistics.mean(steps)


def accuracy():
    found = said("accuracy")
    learnt, timed = found["learnt"], found["timed"]
    print(f"target {100 * found['target']:.0f} %\n")
    print(runs.table(["Method", "Steps to the target, by seed", "Accuracy at the end, %"],
                     [[name, ", ".join(str(step) for step, _ in by_seed),
                       ", ".join(f"{100 * last:.1f}" for _, last in by_seed)]
                      for name, by_seed in learnt.items()]))  # fmt: skip
    print()
    rows = []
    for name, by_seed in learnt.items():
        steps, cells = steps_of(by_seed), []
        for t in timed:
            a_step = t["methods"][name]["a_step"]
            cells.append(f"{ms(a_step)}; {steps * a_step:.3g}" if steps else f"{ms(a_step)}; not reached")
        rows.append([name, *cells])
    print(runs.table(["ms a step; seconds to the target", *(link(t) for t in timed)], rows))
    print()
    print(runs.table(["of it waiting and talking, %", *(link(t) for t in timed)],
                     [[name, *(f"{100 * t['methods'][name]['talking']:.0f}" for t in timed)]
                      for name in learnt if timed[0]["methods"][name]["talking"] is not None]))  # fmt: skip
    with runs.picture(sys.argv[2] if len(sys.argv) > 2 else None, 1, width=6.5, height=4.2) as axes:
        if axes is None:
            return
        speeds = [t for t in timed if t["mbit"] and not t["ms"]]
        for name, by_seed in learnt.items():
            steps = steps_of(by_seed)
            if steps:
                axes[0].plot([t["mbit"] for t in speeds], [steps * t["methods"][name]["a_step"] for t in speeds], marker="o",
                             label=name, markersize=4, linestyle="-" if name.startswith("valley") else "--")  # fmt: skip
        axes[0].set(xscale="log", yscale="log", xlabel="link, Mbit/s", xticks=[t["mbit"] for t in speeds],
                    xticklabels=[str(t["mbit"]) for t in speeds],
                    ylabel=f"seconds to a test accuracy of {100 * found['target']:.0f} %")  # fmt: skip
        axes[0].minorticks_off()
        axes[0].legend(fontsize=8)


def estimate():
    found = said("estimate")
    print(runs.table(["Link", "Method", "measured, ms a step", "estimated", "estimated / measured"],
                     [[link(r), f"`{r['flags']}`", ms(r["measured"]), ms(r["estimated"]),
                       f"{r['estimated'] / r['measured']:.2f}"] for r in found]))  # fmt: skip


for part in (rounds, accuracy, estimate):
    if part.__name__ in results:
        part()
