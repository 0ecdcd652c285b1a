"""Where the processes of a node say who they are, so that the operator's commands find them."""

import os
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel


class RunFile(BaseModel):
    """One running process: what it hosts, and its two listeners."""

    process: str
    pid: int
    services: tuple[str, ...]
    url: str
    operator: str
    database: str | None = None
    """Where its database is, without role and password; None for the embedded server of its own folder."""


def write(state: Path, running: RunFile) -> Path:
    """Leave the file of a process that is ready to answer, its own among others of that name; its path."""
    folder = state / "run"
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f"{running.process}-*.json"):
        pid = left.stem.removeprefix(f"{running.process}-")
        if pid.isdecimal() and not _runs(int(pid)):
            left.unlink(missing_ok=True)
    path = folder / f"{running.process}-{running.pid}.json"
    fresh = path.with_suffix(".new")
    fresh.write_text(running.model_dump_json(), encoding="utf-8")
    fresh.replace(path)
    return path


def read(state: Path) -> list[RunFile]:
    """The processes that said they run, and do. A file that is gone or damaged says nothing.

    Those of shares below the folder too: the keeper's commands find every process of this machine.
    """
    found = []
    for path in sorted((*state.glob("run/*.json"), *state.glob("shares/*/run/*.json"))):
        with suppress(OSError, ValueError):
            found.append(RunFile.model_validate_json(path.read_bytes()))
    return [running for running in found if _runs(running.pid)]


def database(state: Path) -> str | None:
    """Where the running processes of this node have their database; None if they say nothing or none runs."""
    return next((running.database for running in read(state) if running.database is not None), None)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # it runs, as another user
        return True
    return True
