"""Who the workers are: a process group of torch.distributed, threads of this process, or one alone."""

import contextlib
import itertools
import os
import threading

import torch
import torch.distributed

from valley import _core

# The group of a thread that run_threads() has started.
_of_thread = threading.local()

# Two groups of one process are told apart in the store by their number: all workers make theirs in
# the same order.
_numbers = itertools.count()


@contextlib.contextmanager
def thread_group(group):
    """The group that find() finds on this thread."""
    _of_thread.group = group
    try:
        yield
    finally:
        del _of_thread.group


def find(process_group=None, *, device="cpu", timeout=300.0):
    """The _core.Group of whoever calls: that of run_threads() on its threads, else of `process_group`,
    else of the default process group, else one of this worker alone.

    ValueError where a launcher says that there are more workers, but no process group was started:
    each of them would train alone, and nobody would notice.
    """
    if process_group is None:
        threads = getattr(_of_thread, "group", None)
        if threads is not None:
            return threads
        if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
            workers = int(os.environ.get("WORLD_SIZE", "1") or 1)
            if workers > 1:
                raise ValueError(
                    f"WORLD_SIZE is {workers}, but there is no process group: call "
                    "torch.distributed.init_process_group() before"
                )
            return _core.solo()
    return _over(process_group, device, timeout)


def place():
    """(rank, size) of the group that find() would find, without making one."""
    threads = getattr(_of_thread, "group", None)
    if threads is not None:
        return threads.rank, threads.size
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return 0, 1


def _over(process_group, device, timeout):
    distributed = torch.distributed.distributed_c10d
    default = distributed._get_default_group()
    group = default if process_group is None else process_group
    if torch.distributed.get_rank(group) < 0:
        raise ValueError("this process is not one of the process group that was given")
    if torch.distributed.get_world_size(group) == 1:
        return _core.solo()
    # What NCCL cannot carry goes over a group on the host.
    side = None
    if torch.device(device).type != "cpu" and "gloo" not in torch.distributed.get_backend(group):
        ranks = None if group is default else distributed.get_process_group_ranks(group)
        side = torch.distributed.new_group(ranks, backend="gloo")
    store = distributed._get_default_store()
    name = "" if group is default else getattr(group, "group_name", "") or ""
    prefix = f"valley/{name}/{next(_numbers)}"
    return _core.process_group(group, store, side, str(device), timeout, prefix)
