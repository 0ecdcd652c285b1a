"""Where and on what a run was made: figures without it mean nothing."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

PACKAGES = ("asyncpg", "cryptography", "fastapi", "orjson", "pydantic", "uvicorn", "uvloop")


def described() -> dict[str, Any]:
    """Cores, memory, processor, system and versions."""
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "cpu": _processor(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }


def load() -> list[float]:
    """The load average over 1, 5 and 15 minutes."""
    return [round(each, 2) for each in os.getloadavg()]


def commit() -> str:
    """The commit that was measured, with a + where the tree has more than it; outside a checkout `unknown`."""
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ":!bench", ":!docs", ":!tests")
    return (_git("rev-parse", "--short", "HEAD") or "unknown") + ("+" if changed else "")


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)  # noqa: S603, S607 - our own words
    return done.stdout.strip()


def _processor() -> str:
    with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()
