"""Samples the stacks of a node's process by CPU time, and leaves them where BENCH_PROFILE says when it ends.

Python imports this module by itself where this folder is on PYTHONPATH: `python -m bench ingest --profile` puts it
there. One line a stack, as flame graph tools read it: frames joined by `;`, a space, how often it was seen. The samples
are of the main thread, at the first bytecode after every millisecond of CPU, so time in C counts for its caller.
"""

import atexit
import os
import signal
from collections import Counter
from pathlib import Path
from types import FrameType

STACKS: Counter[str] = Counter()
SECONDS = 0.001
PLACE = os.environ.get("BENCH_PROFILE")


def sample(_signal: int, frame: FrameType | None) -> None:
    """Keep where the process is."""
    names = []
    while frame is not None:
        code = frame.f_code
        names.append(f"{Path(code.co_filename).stem}:{code.co_qualname}")
        frame = frame.f_back
    STACKS[";".join(reversed(names))] += 1


def leave() -> None:
    """Write what was seen."""
    signal.setitimer(signal.ITIMER_PROF, 0)
    lines = (f"{stack} {count}" for stack, count in STACKS.most_common())
    Path(f"{PLACE}.{os.getpid()}").write_text("\n".join(lines), encoding="utf-8")


if PLACE:
    signal.signal(signal.SIGPROF, sample)
    signal.setitimer(signal.ITIMER_PROF, SECONDS, SECONDS)
    atexit.register(leave)
