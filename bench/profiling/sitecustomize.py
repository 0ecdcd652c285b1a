"""Samples the stacks of a node's process by CPU time, and leaves them in the folder BENCH_PROFILE when it ends.

Python imports this module by itself where this folder is on PYTHONPATH: `python -m bench chain --profile FOLDER` puts
it there, and `python -m bench.profile FOLDER` reads what it left. One line a stack, as flame graph tools read it:
frames joined by `;`, a space, how often it was seen. The samples are of the main thread, at the first bytecode after
a millisecond of CPU (or a tick of the kernel, where that is longer), so time in C counts for its caller. SIGUSR2
makes it forget what it saw, such as the process's own start.
"""

import atexit
import os
import signal
from collections import Counter
from pathlib import Path
from types import FrameType

STACKS: Counter[str] = Counter()
SECONDS = 0.001
FOLDER = os.environ.get("BENCH_PROFILE")
NODE = os.environ.get("CREDITMESH_NODE")


def sample(_signal: int, frame: FrameType | None) -> None:
    """Keep where the process is."""
    names = []
    while frame is not None:
        code = frame.f_code
        path = Path(code.co_filename)
        names.append(f"{path.parent.name}/{path.stem}:{code.co_qualname}")
        frame = frame.f_back
    STACKS[";".join(reversed(names))] += 1


def forget(_signal: int, _frame: FrameType | None) -> None:
    """Begin anew."""
    STACKS.clear()


def leave() -> None:
    """Write what was seen."""
    signal.setitimer(signal.ITIMER_PROF, 0)
    lines = (f"{stack} {count}" for stack, count in STACKS.most_common())
    Path(f"{FOLDER}/{NODE}.{os.getpid()}").write_text("\n".join(lines), encoding="utf-8")


if FOLDER and NODE:
    signal.signal(signal.SIGPROF, sample)
    signal.signal(signal.SIGUSR2, forget)
    signal.setitimer(signal.ITIMER_PROF, SECONDS, SECONDS)
    atexit.register(leave)
