#!/usr/bin/python3
"""What reading one's own pictures costs: 10,000 JPEG files of 64x64, lenet.

    loader.py BUILD_FOLDER [FOLDER]

Makes the files (in FOLDER, or one that goes) and trains two workers three epochs, twice: the second run
finds what the first has decoded, as second epochs do. Prints as JSON: the share of the second run's
time that went into data; its anonymous memory after .4, .6 and .8 of it; and, where this user may make a memory cgroup (version 1, as
root), whether an array set of 256 MiB trains in a cgroup whose memory, page cache included, ends at
128 MiB beyond what the process alone takes.
"""

import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
import time

import numpy
from PIL import Image, ImageDraw

VALLEY = os.path.join(sys.argv[1], "bin", "valley")
CLASSES, OF_EACH = 10, 1000
CGROUP = pathlib.Path("/sys/fs/cgroup/memory")


def draw_pictures(folder):
    """A circle, of which the hue is the class's, on a noisy ground."""
    chance = random.Random(1)
    noise = numpy.random.default_rng(1)
    for kind in range(CLASSES):
        (folder / f"class{kind}").mkdir(parents=True)
        for number in range(OF_EACH):
            image = Image.fromarray(noise.integers(0, 256, (64, 64, 3), dtype=numpy.uint8))
            x, y = chance.randrange(48), chance.randrange(48)
            ImageDraw.Draw(image).ellipse((x, y, x + 16, y + 16), fill=(25 * kind, 255 - 25 * kind, 128))
            image.save(folder / f"class{kind}" / f"{number}.jpg", quality=90)


def flags(data, out, epochs):
    return [VALLEY, "train", "--quiet", "--data", data, "--model", "lenet", "--workers", "2", "--threads", "1",
            "--batch-size", "32", "--algorithm", "local-sgd", "--epochs", str(epochs), "--out", out]  # fmt: skip


def anonymous(process):
    """Bytes of anonymous memory of a process and of what it started."""
    total = 0
    for status in pathlib.Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        except OSError:
            continue
        if process in (int(fields["Pid"]), int(fields["PPid"])):
            total += 1024 * int(fields.get("RssAnon", "0 kB").split()[0])
    return total


def train_on_pictures(folder, out):
    """Anonymous memory over the time of the training."""
    process = subprocess.Popen(flags(f"images:{folder}", out, 3))
    seen = []

    def watch():
        while process.poll() is None:
            seen.append(anonymous(process.pid))
            time.sleep(0.1)

    watcher = threading.Thread(target=watch)
    watcher.start()
    if process.wait():
        sys.exit("the training failed")
    watcher.join()
    return seen


def seconds(out):
    return json.loads((pathlib.Path(out) / "summary.json").read_text())["seconds"]


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        pictures = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else folder / "pictures"
        if not pictures.exists():
            draw_pictures(pictures)
        os.environ["VALLEY_CACHE"] = str(folder / "cache")
        start = time.monotonic()
        train_on_pictures(pictures, folder / "first")
        first = time.monotonic() - start
        # The same again finds everything decoded: all its epochs are such as follow the first.
        start = time.monotonic()
        seen = train_on_pictures(pictures, folder / "second")
        second = time.monotonic() - start
        spent = seconds(folder / "second")
        working = sum(spent[part] for part in ("compute", "communicate", "wait", "data"))
        print(json.dumps({
            "seconds_with_decoding": round(first, 1), "seconds_without": round(second, 1),
            "share_of_data": round(spent["data"] / working, 4),
            "anonymous_MB": [round(seen[len(seen) * k // 10] / 1e6, 1) for k in (4, 6, 8)],
            **in_cgroup(folder)}))  # fmt: skip


def in_cgroup(folder):
    """Trains on arrays larger than the memory that is left."""
    group = CGROUP / f"valley-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        return {"cgroup": f"cannot be made: {error.strerror}"}
    arrays = folder / "arrays"
    arrays.mkdir()
    noise = numpy.random.default_rng(1)
    for part, count in (("train", 1 << 16), ("test", 1 << 10)):  # 64 x 64 bytes each: 256 MiB
        x = numpy.lib.format.open_memmap(arrays / f"x_{part}.npy", "w+", numpy.uint8, (count, 1, 64, 64))
        for start in range(0, count, 1024):
            x[start : start + 1024] = noise.integers(0, 256, (1024, 1, 64, 64), dtype=numpy.uint8)
        x.flush()
        numpy.save(arrays / f"y_{part}.npy", noise.integers(0, 10, count))
        forget(arrays / f"x_{part}.npy")
    small = folder / "small"
    small.mkdir()
    for part in ("train", "test"):
        for kind in "xy":
            numpy.save(small / f"{kind}_{part}.npy", numpy.load(arrays / f"{kind}_{part}.npy", "r")[:1024])
        forget(arrays / f"x_{part}.npy")
    try:
        alone = peak_in(group, flags(f"arrays:{small}", folder / "alone", 1))
        limit = alone + (128 << 20)
        for name in ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes"):
            if (group / name).exists():
                (group / name).write_text(str(limit))
        peak = peak_in(group, flags(f"arrays:{arrays}", folder / "large", 1))
        return {"cgroup": "trained", "set_MB": (256 << 20) // 10**6, "limit_MB": limit // 10**6,
                "process_alone_MB": alone // 10**6, "peak_MB": peak // 10**6}  # fmt: skip
    finally:
        group.rmdir()


def forget(path):
    """Leaves nothing of a file in the page cache: who reads it next is charged for it."""
    with open(path, "rb") as file:
        os.fsync(file)
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def peak_in(group, command):
    """Runs it in the group; the most memory that the group had."""
    (group / "memory.force_empty").write_text("0")
    (group / "memory.max_usage_in_bytes").write_text("0")
    enter = lambda: (group / "cgroup.procs").write_text(str(os.getpid()))
    subprocess.run(command, check=True, preexec_fn=enter)
    return int((group / "memory.max_usage_in_bytes").read_text())


if __name__ == "__main__":
    main()
