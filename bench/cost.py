"""The CPU time of a node's processes and of its PostgreSQL."""

from collections.abc import Iterable
from contextlib import suppress

import psutil


def seconds(process: psutil.Process) -> float:
    """User and system time of a process, of its children, and of those that have ended."""
    total = 0.0
    for each in (process, *_children(process)):
        with suppress(psutil.NoSuchProcess):
            times = each.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def memory(processes: Iterable[psutil.Process]) -> float:
    """Resident MB of processes; of a tree, shared pages count once for each, so this is an upper bound."""
    return sum(process.memory_info().rss for process in processes) / 1e6


def private(process: psutil.Process) -> float:
    """MB of a process tree, each shared page counted once (proportional set size)."""
    return sum(each.memory_full_info().pss for each in (process, *_children(process))) / 1e6


def _children(process: psutil.Process) -> list[psutil.Process]:
    return process.children(recursive=True)
