"""A real Apache Kafka for tests: `KAFKA_BOOTSTRAP` if set, else a broker of our own that all test workers share.

`kafka` is the shared one's bootstrap address: tests make their own topics and leave the broker alone.
`broker` is one for a single test, which may kill it, wipe it and start it again.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "deploy" / "kafka" / "kafka.py"
SKIPPED = "KAFKA-SKIPPED"
MISSING = 3


@dataclass
class Broker:
    """One broker and its data folder."""

    data: Path
    bootstrap: str = field(default="", init=False)

    def start(self) -> str:
        """Its bootstrap address once it answers; the same one after each restart. Skips where a tool is missing."""
        self.bootstrap = self._script("start").strip().removeprefix("KAFKA_BOOTSTRAP=")
        return self.bootstrap

    def stop(self) -> None:
        """Shut it down in order."""
        self._script("stop")

    def kill(self) -> None:
        """Kill it with -9."""
        self._script("kill")

    def wipe(self) -> None:
        """Kill it with -9 and delete all it stored: the next start is a new cluster at the same address."""
        self._script("wipe")

    def _script(self, command: str) -> str:
        line = [sys.executable, str(SCRIPT), command, "--data", str(self.data)]
        done = subprocess.run(line, check=False, capture_output=True, text=True, timeout=240)  # noqa: S603
        if done.returncode == MISSING:
            pytest.skip(f"{SKIPPED}: {done.stderr.strip()}")
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The bootstrap address of the Kafka that this run's tests share."""
    given = os.environ.get("KAFKA_BOOTSTRAP")
    if given:
        yield given
        return
    base = tmp_path_factory.getbasetemp()
    with _shared(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) as shared:
        yield shared.bootstrap


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker of this test's own, started."""
    own = Broker(tmp_path / "kafka")
    own.start()
    yield own
    own.wipe()


@contextmanager
def _shared(folder: Path) -> Iterator[Broker]:
    """The first worker starts it; the last to leave stops it. Each holds a lock that the kernel frees if it dies."""
    shared = Broker(folder / "kafka")
    with (folder / "kafka.users").open("w") as users, (folder / "kafka.turn").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        shared.start()
        fcntl.flock(users, fcntl.LOCK_SH)
        fcntl.flock(turn, fcntl.LOCK_UN)
        try:
            yield shared
        finally:
            fcntl.flock(turn, fcntl.LOCK_EX)
            if _alone(users.fileno()):
                shared.wipe()
                shutil.rmtree(shared.data, ignore_errors=True)


def _alone(users: int) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
