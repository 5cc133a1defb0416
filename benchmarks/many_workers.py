#!/usr/bin/python3
"""Many workers in one process: memory and time a worker, from 16 to 256 threads of a small network.

    many_workers.py BUILD_FOLDER [REPEATS]

Processor seconds, since 256 threads share the cores that are there. Prints one JSON line a number of
workers: medians over the repeats, which take turns.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

VALLEY = os.path.join(sys.argv[1], "bin", "valley")
REPEATS = int(sys.argv[2]) if len(sys.argv) > 2 else 3
WORKERS, STEPS = (16, 32, 64, 128, 256), (50, 250)


def train(workers, steps, folder):
    """Seconds, processor seconds and the largest resident memory of a run."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [VALLEY, "train", "--quiet", "--data", "blobs", "--model", "mlp-64-64", "--train-samples", "4096",
         "--test-samples", "100", "--batch-size", "8", "--algorithm", "dppf", "--period", "8", "--workers", str(workers),
         "--steps", str(steps), "--evaluate-every", "0", "--out", tempfile.mkdtemp(dir=folder) + "/run"])  # fmt: skip
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{workers} workers failed")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


with tempfile.TemporaryDirectory() as folder:
    runs = {workers: [] for workers in WORKERS}
    for _ in range(REPEATS):
        for workers in WORKERS:
            few, many = (train(workers, steps, folder) for steps in STEPS)
            runs[workers].append((many[0] - few[0], many[1] - few[1], many[2]))
    least = statistics.median(run[2] for run in runs[WORKERS[0]])
    for workers in WORKERS:
        wall, processor, memory = (statistics.median(run[k] for run in runs[workers]) for k in range(3))
        per = 1e6 / (workers * (STEPS[1] - STEPS[0]))
        added = (memory - least) / (workers - WORKERS[0]) if workers > WORKERS[0] else None
        print(json.dumps({"workers": workers, "microseconds_a_step_of_a_worker": round(wall * per, 1),
                          "processor_microseconds": round(processor * per, 1), "peak_MB": round(memory / 1e6),
                          "MB_a_worker_beyond_16": added and round(added / 1e6, 2)}), flush=True)  # fmt: skip
