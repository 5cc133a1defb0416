"""Workers as processes of their own, over a process group of Gloo."""

import os
import pathlib
import signal
import socket
import sys
import tempfile
import time
import traceback

import torch
import torch.distributed

TIMEOUT = 120  # generous: a test that needs it is broken, a busy machine is not


def run(workers, fn, *args, killed=(), timeout=TIMEOUT, start_group=True):
    """fn(rank, *args) in `workers` processes that are one default process group; the results by rank.

    An exception is a result: the text of it. A rank of `killed` may die, its result is None. Without
    start_group the processes have the variables of torchrun, and fn starts the group.
    """
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="valley-processes-") as folder:
        folder = pathlib.Path(folder)
        children = [_fork(rank, workers, folder, fn, args, None if start_group else port) for rank in range(workers)]
        deadline = time.monotonic() + timeout
        running = set(children)
        while running and time.monotonic() < deadline:
            running = {pid for pid in running if os.waitpid(pid, os.WNOHANG)[0] == 0}
            time.sleep(0.02)
        for pid in running:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        if running:
            raise AssertionError(f"{len(running)} of {workers} workers did not end within {timeout} s")
        results = []
        for rank in range(workers):
            file = folder / str(rank)
            if not file.exists() and rank not in killed:
                raise AssertionError(f"worker {rank} died without a word")
            results.append(torch.load(file) if file.exists() else None)
        return results


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def _fork(rank, workers, folder, fn, args, port):
    """The process of one worker: a fork, since importing PyTorch takes longer than most tests."""
    pid = os.fork()
    if pid:
        return pid
    try:
        if port is None:
            torch.distributed.init_process_group(
                "gloo", init_method=f"file://{folder}/store", rank=rank, world_size=workers
            )
        else:
            os.environ.update(
                RANK=str(rank), WORLD_SIZE=str(workers), LOCAL_RANK=str(rank),
                MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port),
            )  # fmt: skip
        try:
            result = fn(rank, *args)
        except Exception as error:
            if os.environ.get("VALLEY_TEST_VERBOSE"):
                traceback.print_exc()
            result = f"{type(error).__name__}: {error}"
        torch.save(result, folder / f"{rank}.part")
        os.rename(folder / f"{rank}.part", folder / str(rank))
        sys.stdout.flush()
    finally:
        os._exit(0)
