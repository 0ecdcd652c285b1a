"""`python -m bench.profile FOLDER`: where the CPU went of the nodes of `python -m bench PART --profile FOLDER`.

`with` is the share of a process's samples that have the function on their stack, `own` of those that end in it. Shares
of functions that call each other overlap. Sampling itself costs CPU: read shares, never figures of such a run.
"""

import os
import signal
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import psutil
import typer
from rich.console import Console

from bench.figures import Table

SAMPLER = Path(__file__).parent / "profiling"


def enable(folder: Path) -> None:
    """Let every process that is started from now on leave its stacks in this folder."""
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["BENCH_PROFILE"] = str(folder.resolve())
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(SAMPLER), os.environ.get("PYTHONPATH"))))


def begin(processes: Iterable[psutil.Process]) -> None:
    """Let these forget what they have seen so far, if they are sampled."""
    if "BENCH_PROFILE" in os.environ:
        for process in processes:
            process.send_signal(signal.SIGUSR2)


def table_of(path: Path, *, under: str, most: int) -> Table:
    """The functions of one process by how much of its CPU was spent in them and what they called."""
    total, inside, own = 0, Counter[str](), Counter[str]()
    for line in path.read_text(encoding="utf-8").splitlines():
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        if any(under in frame for frame in frames):
            total += int(count)
            own[frames[-1]] += int(count)
            inside.update(dict.fromkeys(frames, int(count)))
    table = Table(f"{path.name}: {total:,} samples" + (f" under {under}" if under else ""))
    for name in (name for name, _ in inside.most_common() if inside[name] < 0.97 * total):
        table.rows.append({"function": name, "with %": 100 * inside[name] / total, "own %": 100 * own[name] / total})
        if len(table.rows) == most:
            break
    return table


def main(
    folder: Path,
    under: Annotated[str, typer.Option(help="only stacks that have a frame with this text")] = "",
    most: int = 40,
) -> None:
    """Print the functions of every process that left its stacks in the folder."""
    console = Console(width=140)
    for path in sorted(folder.iterdir()):
        table_of(path, under=under, most=most).show(console)


if __name__ == "__main__":
    typer.run(main)
