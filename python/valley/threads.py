"""Workers as threads of one Python process."""

import threading

import torch

from valley import _core
from valley.group import thread_group


def run_threads(workers, fn, *, timeout=300.0):
    """Runs fn(rank) on `workers` threads of this process, which are the workers of every method that
    they make, and returns their results by rank: data-parallel training in a notebook.

    Args:
        workers: how many, at least 1.
        fn: takes the rank, 0 to workers - 1. Each thread makes a model and data of its own.
        timeout: seconds that a worker waits for another in one operation.

    Raises:
        what the first worker raised; the others, who would wait for it, get a CommError.

    Only one of the threads is in the interpreter at a time. PyTorch's operators leave it while they
    compute, so that workers gain where most of a step is large operators, and lose, against
    processes, where it is Python. Every thread draws from the one random generator of the process:
    pass a generator to what must repeat.
    """
    if workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
    groups = _core.threads(workers, timeout)
    results = [None] * workers
    errors = []

    def work(rank):
        try:
            with thread_group(groups[rank]):
                results[rank] = fn(rank)
        except BaseException as error:
            errors.append(error)
            groups[rank].abort(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=work, args=(rank,)) for rank in range(workers)]
    kept = torch.get_num_threads()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    torch.set_num_threads(kept)
    if errors:
        raise errors[0]
    return results
