#!/usr/bin/python3
"""Two workers on two machines of a moment, over links of several speeds and latencies: rounds beside
the bare all-reduce, time to a test accuracy beside PyTorch's own methods, and `valley estimate` beside
both.

    links.py BUILD_FOLDER OUT.json [rounds] [accuracy] [estimate]     nothing named: all
    links.py --draw OUT.json FOLDER                                   the pictures of docs/performance.md

Machines are network namespaces joined by two TUN devices (link_relay, for latency) or a pair of veth;
bandwidth is tc's tbf. All of it lives in namespaces of its own and goes with them.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
UNSHARE = ["unshare", "--mount", "--net", "--uts", "--user", "--map-root-user"]
PYTHON = "/usr/bin/python3"
ADDRESSES = {"a": "10.78.0.1", "b": "10.78.0.2"}
SEEDS = (1, 2, 3)
# The network and its training, the same for all: mlp of 1,068,810 parameters, plain SGD with momentum.
WIDTHS, BATCH, LR, PERIOD = (1024, 256), 32, 0.02, 16
# 3,200 training images, drawn by the seed: an epoch is 50 steps of 2 workers, after which the test set is
# looked at.
IMAGES, STEPS, EPOCH, TARGET = 3200, 500, 50, 0.82
STEPS_TIMED = (32, 96)  # whole periods; what lies between is timed, without beginning and end of a run
METHODS = {
    "valley ssgd": ("valley", ["--algorithm", "ssgd"]),
    "valley local-sgd": ("valley", ["--algorithm", "local-sgd", "--period", PERIOD]),
    "valley dppf": ("valley", ["--algorithm", "dppf", "--pull", 0.5, "--push", 0.1, "--period", PERIOD,
                               "--wire", "bf16", "--delay", 4]),
    "valley dppf, delay 12": ("valley", ["--algorithm", "dppf", "--pull", 0.5, "--push", 0.1, "--period", PERIOD,
                                         "--wire", "bf16", "--delay", 12]),
    "valley dppf, delay 15": ("valley", ["--algorithm", "dppf", "--pull", 0.5, "--push", 0.1, "--period", PERIOD,
                                         "--wire", "bf16", "--delay", 15]),
    "DistributedDataParallel": ("python", "ddp"),
    "DistributedDataParallel, fp16 hook": ("python", "ddp-fp16"),
    "PostLocalSGDOptimizer": ("python", "post-local"),
}  # fmt: skip
build = out = None


def run(*command):
    subprocess.run([str(c) for c in command], check=True)


class Link:
    """Two machines and what is between them; None: as fast as it is."""

    def __init__(self, mbit=None, ms=0):
        self.mbit, self.ms = mbit, ms

    def __enter__(self):
        for machine in "ab":
            run("ip", "netns", "add", machine)
            run("ip", "-n", machine, "link", "set", "lo", "up")
        self.relay = None
        if self.ms:
            self.relay = subprocess.Popen([f"{build}/benchmarks/link_relay", "a", "b", "cable", str(self.ms)],
                                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # fmt: skip
            if self.relay.stdout.readline() != "ready\n":
                sys.exit("links.py: no link with a delay")
        else:
            run("ip", "link", "add", "name", "cable", "netns", "a", "type", "veth", "peer", "name", "cable", "netns", "b")
        for machine, other in ("ab", "ba"):
            run("ip", "-n", machine, "address", "add", ADDRESSES[machine], "peer", ADDRESSES[other], "dev", "cable")
            run("ip", "-n", machine, "link", "set", "cable", "up")
            if self.mbit:
                burst = max(32_000, self.mbit * 1_000_000 // 8 // 200)
                run("tc", "-n", machine, "qdisc", "add", "dev", "cable", "root", "tbf", "rate", f"{self.mbit}mbit",
                    "burst", burst, "latency", "200ms")  # fmt: skip
        return self

    def __exit__(self, *_):
        if self.relay:
            self.relay.stdin.close()
            self.relay.wait()
        for machine in "ab":
            run("ip", "netns", "delete", machine)

    def name(self):
        return {"mbit": self.mbit, "ms": self.ms}

    def workers(self, command, port=[29500]):
        """Starts the command as rank 0 on a and rank 1 on b; the JSON of rank 0."""
        port[0] += 1
        base = dict(os.environ, WORLD_SIZE="2", MASTER_ADDR=ADDRESSES["a"], MASTER_PORT=str(port[0]),
                    GLOO_SOCKET_IFNAME="cable", OMP_NUM_THREADS="1")  # fmt: skip
        both = [
            subprocess.Popen(["ip", "netns", "exec", machine, *map(str, command)], text=True,
                             env=dict(base, RANK=str(r), LOCAL_RANK="0"), stdout=subprocess.PIPE)
            for r, machine in enumerate("ab")
        ]  # fmt: skip
        texts = [w.communicate(timeout=1800)[0] for w in both]
        if any(w.returncode for w in both):
            sys.exit(f"links.py: {command} failed")
        return json.loads(texts[0])


def valley(*arguments):
    return [f"{build}/bin/valley", *arguments]


def peer(method, *arguments):
    return [PYTHON, "-W", "ignore", HERE / "ddp_train.py", method, *arguments]


def bench(link, d, turns, *flags):
    found = link.workers(valley("bench", "--json", "--interface", "cable", "--parameters", d, "--turns", turns, *flags))
    return found["rounds"][-1]


def rounds():
    results = []
    for mbit, ms in [(None, 0), (1000, 0), (400, 0), (100, 0), (400, 10), (100, 10), (400, 50)]:
        with Link(mbit, ms) as link:
            d = 1_000_000 if mbit == 100 or ms else 11_000_000
            turns = 3
            row = link.name() | {"parameters": d}
            plain, half, bare = [], [], []
            for _ in range(1 if mbit else 3):
                plain.append(bench(link, d, turns))
                half.append(bench(link, d, turns, "--wire", "bf16"))
                bare.append(link.workers(peer("all-reduce", d, 0, 0, 0, turns, 0, 0, 0, 0))["seconds"])
            middle = lambda values: statistics.median(values)
            row["round"] = middle([p["round"] for p in plain])
            row["round_bf16"] = middle([p["round"] for p in half])
            row["all_reduce"] = middle([p["all_reduce"] for p in plain])
            row["pass"] = middle([p["pass"] for p in plain])
            row["gloo_all_reduce"] = middle(bare)
            row["operations"] = plain[0]["operations"]
            row["payload"], row["sent"], row["acknowledged"] = (plain[0][k] for k in ("payload", "sent", "acknowledged"))
            results.append(row)
            print(json.dumps({k: v for k, v in row.items() if k != "operations"}), flush=True)
    return results


def train_by_valley(link, flags, seed, folder, steps, evaluate=False):
    name = tempfile.mkdtemp(dir=folder) + "/run"
    summary = link.workers(valley(
        "train", "--quiet", "--json", "--interface", "cable", "--data", "fashion-mnist", "--train-samples", IMAGES,
        "--model", "mlp-{}-{}".format(*WIDTHS), "--batch-size", BATCH, "--lr", LR, "--lr-schedule", "constant",
        "--steps", steps, "--evaluate-every", int(evaluate), "--threads", 1, "--seed", seed, "--out", name, *flags))  # fmt: skip
    return summary, [json.loads(line) for line in open(f"{name}/metrics.jsonl")]


def learn(kind, what, link, seed, folder):
    """Steps to the target, None where it is not reached, and the accuracy at the end."""
    if kind == "valley":
        _, lines = train_by_valley(link, what, seed, folder, STEPS, evaluate=True)
        curve = [(line["step"], line["test_accuracy"]) for line in lines if "test_accuracy" in line]
    else:
        found = link.workers(peer(what, *WIDTHS, BATCH, LR, STEPS, EPOCH, PERIOD, seed, IMAGES))
        curve = [(step, accuracy) for step, _, accuracy in found["curve"]]
    return next((step for step, accuracy in curve if accuracy >= TARGET), None), curve[-1][1]


def time_by_valley(link, flags, folder):
    """Seconds of a step: in all, waiting and talking, computing."""
    short, long = (train_by_valley(link, flags, 1, folder, steps)[0]["seconds"] for steps in STEPS_TIMED)
    spent = {what: (long[what] - short[what]) / (STEPS_TIMED[1] - STEPS_TIMED[0]) for what in long}
    return spent["total"] - spent["evaluate"], spent["wait"] + spent["communicate"], spent["compute"] + spent["data"]


def time_steps(kind, what, link, folder):
    """Seconds a step, and the share of it that the worker waits and talks (valley alone knows)."""
    if kind == "valley":
        a_step, talking, _ = time_by_valley(link, what, folder)
        return a_step, talking / a_step
    short, long = (
        link.workers(peer(what, *WIDTHS, BATCH, LR, steps, steps, PERIOD, 1, IMAGES))["curve"][-1][1]
        for steps in STEPS_TIMED
    )
    return (long - short) / (STEPS_TIMED[1] - STEPS_TIMED[0]), None


def accuracy(folder):
    """How many steps a method needs does not depend on the link, how long a step takes does: both are
    measured, and the time to the target is their product."""
    learnt = {}
    with Link() as link:
        for name, (kind, what) in METHODS.items():
            learnt[name] = [learn(kind, what, link, seed, folder) for seed in SEEDS]
            print(json.dumps({"method": name, "steps and last accuracy": learnt[name]}), flush=True)
    timed = []
    for mbit, ms in [(None, 0), (1000, 0), (400, 0), (100, 0), (100, 10)]:
        with Link(mbit, ms) as link:
            turns = {name: [] for name in METHODS}
            for _ in range(1 if ms else 3):
                for name, (kind, what) in METHODS.items():
                    turns[name].append(time_steps(kind, what, link, folder))
            row = link.name() | {"methods": {
                name: {"a_step": statistics.median(t[0] for t in times),
                       "talking": times[0][1] and statistics.median(t[1] for t in times)}
                for name, times in turns.items()}}  # fmt: skip
            timed.append(row)
            print(json.dumps(row), flush=True)
    return {"target": TARGET, "learnt": learnt, "timed": timed}


def estimate(folder):
    """Seconds a step, measured, beside what `valley estimate` says of them from unshaped local steps."""
    results = []
    with Link() as link:
        summary, _ = train_by_valley(link, ["--algorithm", "local-sgd", "--period", 200], 1, folder, 8)
        _, _, local = time_by_valley(link, ["--algorithm", "local-sgd", "--period", 200], folder)
    for mbit, ms in [(400, 0), (100, 0), (400, 10), (100, 10)]:
        with Link(mbit, ms) as link:
            for flags in (["--algorithm", "ssgd"], ["--algorithm", "dppf", "--period", 4],
                          ["--algorithm", "dppf", "--period", 4, "--wire", "bf16"],
                          ["--algorithm", "dppf", "--period", 8, "--delay", 4],
                          ["--algorithm", "dpsgd", "--topology", "ring"]):  # fmt: skip
                measured, _, computed = time_by_valley(link, flags, folder)
                said = json.loads(subprocess.run(
                    [str(c) for c in valley("estimate", "--json", "--workers", 2, "--parameters", summary["parameters"],
                     "--step-seconds", local, "--bandwidth", mbit, "--latency", ms, *flags)],
                    text=True, capture_output=True, check=True).stdout)["step"]  # fmt: skip
                row = link.name() | {"flags": " ".join(map(str, flags)), "measured": measured,
                                     "estimated": said["total"], "local_step": local,
                                     "computed": computed}  # fmt: skip
                results.append(row)
                print(json.dumps(row | {"estimated / measured": said["total"] / measured}), flush=True)
    return results


def main():
    global build, out
    build, out, *parts = sys.argv[1:]
    build, out = os.path.abspath(build), os.path.abspath(out)
    if "VALLEY_LINKS_INSIDE" not in os.environ:
        os.environ["VALLEY_LINKS_INSIDE"] = "1"
        os.execvp(UNSHARE[0], [*UNSHARE, PYTHON, __file__, build, out, *parts])
    run("mount", "--make-rprivate", "/")
    run("mount", "-t", "tmpfs", "tmpfs", "/run")
    results = json.load(open(out)) if os.path.exists(out) else {}
    with tempfile.TemporaryDirectory() as folder:
        for part, work in (("rounds", rounds), ("accuracy", lambda: accuracy(folder)), ("estimate", lambda: estimate(folder))):
            if parts and part not in parts:
                continue
            load = os.getloadavg()
            results[part] = {"date": time.strftime("%Y-%m-%d"), "cores": os.cpu_count(), "load_before": load,
                             "results": work()}  # fmt: skip
            json.dump(results, open(out, "w"), indent=1)


if __name__ == "__main__":
    main()
