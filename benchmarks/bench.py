#!/usr/bin/python3
"""Runs every benchmark and prints ratios beside their targets: `bench.py BUILD_FOLDER [REPEATS]`.

Every ratio compares two programs that took turns in this run; it is the ratio of their medians over
the repeats. The machine's load is printed, since a busy machine says little.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = sys.argv[1]
REPEATS = int(sys.argv[2]) if len(sys.argv) > 2 else 5
ROUND_BENCH = os.path.join(BUILD, "benchmarks", "round_bench")
OBJECTIVE_BENCH = os.path.join(BUILD, "benchmarks", "objective_bench")
VALLEY = os.path.join(BUILD, "bin", "valley")
results = []


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def two_workers(command):
    """Starts the command as ranks 0 and 1; the JSON line of rank 0."""
    base = dict(os.environ, WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT=str(free_port()))
    workers = [
        subprocess.Popen(command, env=dict(base, RANK=str(r), LOCAL_RANK=str(r)), text=True,
                         stdout=subprocess.PIPE)
        for r in (0, 1)
    ]
    texts = [w.communicate(timeout=300)[0] for w in workers]
    if any(w.returncode for w in workers):
        sys.exit(f"{command} failed")
    return json.loads(texts[0])


def two_of_mpirun(command):
    """The same of an mpirun."""
    mpirun = ["mpirun", "--allow-run-as-root", "--oversubscribe", "-n", "2", "-x", "OMP_NUM_THREADS=1"]
    return one(mpirun + command)


def one(command):
    out = subprocess.run(command, text=True, stdout=subprocess.PIPE, timeout=300, check=True).stdout
    return json.loads(out)


def together(commands):
    """Runs the commands at the same time; their JSON."""
    programs = [subprocess.Popen(c, text=True, stdout=subprocess.PIPE) for c in commands]
    texts = [p.communicate(timeout=300)[0] for p in programs]
    if any(p.returncode for p in programs):
        sys.exit(f"{commands} failed")
    return [json.loads(text) for text in texts]


def load():
    return " ".join(f"{x:.2f}" for x in os.getloadavg())


def report(what, value, bound, at_most):
    met = value <= bound if at_most else value >= bound
    sign = "at most" if at_most else "at least"
    results.append(met)
    print(f"  {what:<58} {value:6.3f}   {sign} {bound:<5} {'yes' if met else 'NO'}", flush=True)


def medians(samples):
    return {k: statistics.median(s[k] for s in samples) for k in samples[0]
            if not isinstance(samples[0][k], str)}


def train_command(out, workers, batch, steps):
    return [VALLEY, "train", "--quiet", "--json", "--workers", str(workers), "--threads", "1",
            "--algorithm", "local-sgd", "--batch-size", str(batch), "--steps", str(steps),
            "--evaluate-every", "0", "--test-samples", "100", "--train-samples", "10000",
            "--out", out]


print(f"load before: {load()}; {os.cpu_count()} cores; median of {REPEATS} interleaved repeats")
for d, rounds in ((1_900_000, 40), (11_000_000, 8)):
    gloo, group, mpi, thread, thread4, python = [], [], [], [], [], []
    for _ in range(REPEATS):
        gloo.append(two_workers([ROUND_BENCH, "gloo", str(d), str(rounds)]))
        group.append(two_workers([ROUND_BENCH, "c10d", str(d), str(rounds)]))
        mpi.append(two_of_mpirun([ROUND_BENCH, "mpi", str(d), str(rounds)]))
        python.append(two_workers(["/usr/bin/python3", "-W", "ignore", os.path.join(HERE, "periodic_averager.py"), str(d), str(rounds)]))
        thread.append(one([ROUND_BENCH, "thread", str(d), str(rounds), "2"]))
        thread4.append(one([ROUND_BENCH, "thread", str(d), str(rounds), "4"]))
    g, c, i, t, p = medians(gloo), medians(group), medians(mpi), medians(thread), medians(python)
    t4 = medians(thread4)
    print(f"\none round, 2 workers, {d:,} float32 values (load {load()}); milliseconds:")
    print(f"  bare all-reduce {g['all_reduce']:.2f}, floor {g['floor']:.2f}, dppf on gloo "
          f"{g['round']:.2f}, dppf on thread {t['round']:.2f}, PeriodicModelAverager {p['round']:.2f}")
    print(f"  over a Gloo group of c10d: its all-reduce {c['all_reduce']:.2f}, floor {c['floor']:.2f}, "
          f"dppf {c['round']:.2f}")
    print(f"  over MPI: its all-reduce {i['all_reduce']:.2f}, floor {i['floor']:.2f}, dppf {i['round']:.2f}")
    print(f"  threads that copy their vectors at once: 2 take {t['copy']:.2f}, 4 take {t4['copy']:.2f}; "
          f"dppf on 4 threads {t4['round']:.2f}")
    report("dppf on thread / 1.5 copies, 2 workers", t["ratio"], 1.25, True)
    report("dppf on thread / 1.5 copies, 4 workers", t4["ratio"], 1.25, True)
    report("dppf on gloo / floor", g["round"] / g["floor"], 1.15, True)
    report("dppf on a c10d group / floor", c["round"] / c["floor"], 1.05, True)
    report("dppf on mpi / floor", i["round"] / i["floor"], 1.1, True)
    report("dppf on gloo / PeriodicModelAverager", g["round"] / p["round"], 0.75, True)
    report("dppf on thread / on gloo", t["round"] / g["round"], 0.5, True)

print(f"\ntraining lenet on Fashion-MNIST, one thread a worker (load {load()}); samples a second:")
with tempfile.TemporaryDirectory() as folder:
    for batch, steps in ((32, 400), (128, 100)):
        ours, python, two, pair = [], [], [], []
        for i in range(REPEATS):
            name = os.path.join(folder, f"{batch}-{i}")
            ours.append(one(train_command(name + "-1", 1, batch, steps)))
            python.append(one(["/usr/bin/python3", os.path.join(HERE, "train_lenet.py"), str(batch), str(steps)]))
            two.append(one(train_command(name + "-2", 2, batch, steps)))
            # What the machine gives to two that have nothing to do with each other.
            programs = together([train_command(f"{name}-pair-{k}", 1, batch, steps) for k in (0, 1)])
            pair.append({"samples_per_second": sum(p["samples_per_second"] for p in programs)})
        rate = lambda runs: statistics.median(r["samples_per_second"] for r in runs)
        loader = statistics.median(
            r["seconds"]["data"] / (r["seconds"]["data"] + r["seconds"]["compute"]) for r in ours)
        # Of the time that counts in samples a second: evaluations do not.
        waiting = statistics.median(
            r["seconds"]["wait"] / (r["seconds"]["total"] - r["seconds"]["evaluate"]) for r in two)
        print(f"  batch {batch}: valley {rate(ours):.0f}, Python {rate(python):.0f}, "
              f"valley with 2 workers {rate(two):.0f} ({rate(two) / rate(ours):.2f} times one), "
              f"two programs of one worker {rate(pair):.0f}; the two workers wait for each other "
              f"{100 * waiting:.1f} % of their time")
        report(f"valley / Python, batch {batch}", rate(ours) / rate(python), 1.15, False)
        report(f"2 workers / 2 programs of 1, batch {batch}", rate(two) / rate(pair), 0.97, False)
        report(f"loader's share of a step, batch {batch}", loader, 0.03, True)

print(f"\nlenet over 1,000 images (load {load()}); milliseconds:")
m = medians([one([OBJECTIVE_BENCH, "lenet", "1000", "1"]) for _ in range(REPEATS)])
print(f"  evaluation {m['evaluation']:.0f}, a landscape's point {m['point']:.0f}, by two threads "
      f"{m['point_of_two']:.0f}; gradient {m['gradient']:.0f}, product with the Hessian {m['product']:.0f}")
report("product with the Hessian / gradient", m["product"] / m["gradient"], 3.5, True)
report("a landscape's point / evaluation", m["point"] / m["evaluation"], 1.1, True)
report("a landscape's points by 2 threads / by 1", m["point"] / m["point_of_two"], 1.8, False)

print(f"\nload after: {load()}; {sum(results)} of {len(results)} targets met")
sys.exit(0 if all(results) else 1)
