"""A real PostgreSQL 18 from the wheel: started, checked and stopped by us, on a data folder of our own.

The server outlives a killed owner on purpose: the next `start` finds it and uses it. Several processes may use one
server; the last of them stops it.
"""

import asyncio
import fcntl
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import asyncpg

from creditmesh.chassis.database.address import DatabaseAddress
from creditmesh.chassis.database.cluster import SUPERUSER, Cluster
from creditmesh.chassis.database.places import EmbeddedServerError, run_as, settled

SECONDS_TO_START = 60.0
SECONDS_TO_STOP = 30.0
_LAUNCHES = 3
# A server killed a moment ago has children that hold its memory, and another process may be starting or stopping it.
_PASSING = ("pre-existing shared memory block", 'lock file "postmaster.pid" already exists')
_MUST_HOLD = ("fsync", "synchronous_commit", "full_page_writes", "data_checksums")


class EmbeddedServer:
    """One PostgreSQL server on one data folder; `start` makes it if the folder is new."""

    def __init__(self, data: Path, *, log: Callable[[str], None] = lambda _: None) -> None:
        self._asked = data
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._use: int | None = None

    @property
    def place(self) -> Path:
        """Where the data really are: under root, perhaps elsewhere than asked (`places`)."""
        return self._asked.resolve()

    @property
    def admin(self) -> DatabaseAddress:
        """The superuser's address, through the socket folder. The server must have been started once."""
        cluster = self._cluster()
        place = urlencode({"host": str(cluster.socket_folder), "port": str(cluster.port)})
        return DatabaseAddress(
            dsn=f"postgresql:///?{place}", user=SUPERUSER, password=cluster.password, database="postgres"
        )

    @property
    def tcp(self) -> DatabaseAddress:
        """The superuser's address on loopback TCP."""
        return replace(self.admin, dsn=f"postgresql://127.0.0.1:{self._cluster().port}")

    @property
    def pid(self) -> int | None:
        """The postmaster's process id, if it runs."""
        return self._cluster().pid

    async def start(self) -> None:
        """Make the cluster if it is new, start the server or use the one that runs, and check that it keeps its word.

        EmbeddedServerError, in plain words, when it cannot; the last lines of `postgres.log` are in it.
        """
        cluster = await asyncio.to_thread(self._settled)
        async with self._alone():
            if await asyncio.to_thread(cluster.prepare):
                self._log("made a new PostgreSQL cluster")
            self._begin_use()
            await self._until_it_answers(cluster)
            await _check(cluster)
            self._log(f"PostgreSQL answers on 127.0.0.1:{cluster.port}")

    async def stop(self, *, immediately: bool = False) -> None:
        """Shut down, unless another process that started it still uses it. Nothing to do is no error.

        Sessions are ended, nothing committed is lost. `immediately` leaves the clearing up to the next start's
        recovery, or to whoever throws the data away.
        """
        cluster = await asyncio.to_thread(self._settled)
        async with self._alone():
            if not self._end_use():
                self._log("PostgreSQL stays up: another process uses it")
                return
            for mode in ("immediate",) if immediately else ("fast", "immediate"):
                if cluster.pid is not None:
                    with suppress(EmbeddedServerError):
                        await asyncio.to_thread(cluster.shut_down, mode, seconds=SECONDS_TO_STOP)
            await self._reap()
            if cluster.pid is not None:
                raise EmbeddedServerError(f"PostgreSQL (process {cluster.pid}) does not stop.")

    async def remove(self) -> None:
        """Stop the server and throw its data away, wherever they are."""
        await self.stop(immediately=True)
        if self.pid is not None:
            raise EmbeddedServerError(f"The database in {self.place} is in use by another process.")
        shutil.rmtree(self._cluster().socket_folder, ignore_errors=True)
        shutil.rmtree(self.place)
        if self._asked.is_symlink():
            self._asked.unlink()

    async def kill(self) -> None:
        """SIGKILL the postmaster, as a crash would."""
        pid = self.pid
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
        await self._reap()

    def _cluster(self) -> Cluster:
        return Cluster(self.place, run_as())

    def _settled(self) -> Cluster:
        who = run_as()
        return Cluster(settled(self._asked, who), who)

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        with (self.place / "lock").open("w") as file:
            await asyncio.to_thread(fcntl.flock, file, fcntl.LOCK_EX)
            yield

    def _begin_use(self) -> None:
        # A shared lock for as long as this process uses the server; the system drops it when the process dies.
        if self._use is None:
            self._use = os.open(self.place / "users", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._use, fcntl.LOCK_SH)

    def _end_use(self) -> bool:
        # True when nobody else uses it.
        if self._use is not None:
            os.close(self._use)
            self._use = None
        with (self.place / "users").open("w") as file, suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        return False

    async def _until_it_answers(self, cluster: Cluster) -> None:
        loop = asyncio.get_running_loop()
        deadline, pause, launches = loop.time() + SECONDS_TO_START, 0.02, 0
        while not await _answers(cluster):
            if self._process is None or self._process.poll() is not None:
                words = cluster.last_words()
                if launches >= _LAUNCHES and not any(passing in words for passing in _PASSING):
                    raise EmbeddedServerError(f"PostgreSQL did not start. Its last words:\n{words}")
                self._process, launches = cluster.launch(), launches + 1
            if loop.time() > deadline:
                raise EmbeddedServerError(f"PostgreSQL did not start in time. Its last words:\n{cluster.last_words()}")
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 1.0)

    async def _reap(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await asyncio.to_thread(process.wait, SECONDS_TO_STOP)


async def _session(cluster: Cluster) -> asyncpg.Connection:
    connection: asyncpg.Connection = await asyncpg.connect(
        host=str(cluster.socket_folder), port=cluster.port, user=SUPERUSER, database="postgres", timeout=5
    )
    return connection


async def _answers(cluster: Cluster) -> bool:
    try:
        session = await _session(cluster)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    await session.close()
    return True


async def _check(cluster: Cluster) -> None:
    session = await _session(cluster)
    try:
        rows = await session.fetch("select name, setting from pg_settings where name = any($1)", _MUST_HOLD)
        # A node's role connects to its own database only, so not to these either.
        await session.execute("revoke connect on database postgres, template1 from public")
    finally:
        await session.close()
    broken = [row["name"] for row in rows if row["setting"] != "on"]
    if broken or len(rows) != len(_MUST_HOLD):
        raise EmbeddedServerError(f"PostgreSQL would lose what it acknowledged: {', '.join(broken)} must be on.")
