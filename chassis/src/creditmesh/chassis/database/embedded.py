"""A real PostgreSQL 18 from the wheel: made, started, checked and stopped by us, on a data folder of our own.

The folder holds `cluster` (PostgreSQL's), `socket`, `port`, `superuser` (the password, 0600) and `postgres.log`.
The server outlives a killed owner on purpose: the next `start` finds it and uses it. Who may connect: `postgres`
through the socket folder, which only the server's user and root can enter; everybody else with a password.
"""

import asyncio
import fcntl
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import gettempdir
from zlib import crc32

import asyncpg
from sqlalchemy import URL

from creditmesh.chassis.database.places import EmbeddedServerError, RunAs, binaries, run_as, settled

SUPERUSER = "postgres"
SECONDS_TO_START = 60.0
SECONDS_TO_STOP = 30.0
_LONGEST_SOCKET_FOLDER = 80
_HBA = """\
local all postgres           trust
local all all                scram-sha-256
host  all all 127.0.0.1/32   scram-sha-256
host  all all ::1/128        scram-sha-256
"""
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_permissions": "0777",  # the folder is closed, the roles have passwords
    "max_connections": "250",
    "max_locks_per_transaction": "256",
    "shared_buffers": "192MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",  # short statements on few cores, and containers with little shared memory
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "data_sync_retry": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # a statement or a broken constraint quotes values, and values may be personal
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}
_LAUNCHES = 3
# A server killed a moment ago has children that hold its memory, and another process may be starting or stopping it.
_PASSING = ("pre-existing shared memory block", 'lock file "postmaster.pid" already exists')
_MUST_HOLD = ("fsync", "synchronous_commit", "full_page_writes", "data_checksums")


class EmbeddedServer:
    """One PostgreSQL server on one data folder; `start` makes it if the folder is new."""

    def __init__(self, data: Path, *, log: Callable[[str], None] = lambda _: None) -> None:
        self._asked = data
        self._log = log
        self._who: RunAs | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._place = data.resolve()
        self._use: int | None = None

    @property
    def admin_url(self) -> URL:
        """The superuser's URL, through the socket folder. The server must have been started."""
        return URL.create(
            "postgresql",
            SUPERUSER,
            password=self._text("superuser"),
            database="postgres",
            query={"host": str(self._socket_folder()), "port": self._text("port")},
        )

    @property
    def tcp_url(self) -> URL:
        """The superuser's URL on loopback TCP."""
        return self.admin_url.set(host="127.0.0.1", port=int(self._text("port")), query={})

    @property
    def pid(self) -> int | None:
        """The postmaster's process id, as PostgreSQL wrote it; None when there is none."""
        with suppress(OSError, ValueError, IndexError):
            return int((self._place / "cluster" / "postmaster.pid").read_text().split("\n")[0])
        return None

    async def start(self) -> None:
        """Make the cluster if it is new, start the server or use the one that runs, and check that it keeps its word.

        EmbeddedServerError, in plain words, when it cannot; the last lines of `postgres.log` are in it.
        """
        await asyncio.to_thread(self._settle)
        async with self._alone():
            if not (self._place / "cluster").exists():
                await asyncio.to_thread(self._initialise)
            self._prepare()
            self._begin_use()
            await self._until_it_answers()
            await self._check()

    async def stop(self, *, immediately: bool = False) -> None:
        """Shut down, unless another process that started it still uses it. Nothing to do is no error.

        Sessions are ended, nothing committed is lost. `immediately` leaves the clearing up to the next start's
        recovery, or to whoever throws the data away.
        """
        await asyncio.to_thread(self._settle)
        async with self._alone():
            if not self._end_use():
                self._log("PostgreSQL stays up: another process uses it")
                return
            if self.pid is not None:
                await asyncio.to_thread(self._pg_ctl_stop, ("immediate",) if immediately else ("fast", "immediate"))
            await self._reap()

    async def remove(self) -> None:
        """Stop the server and throw its data away, wherever they are."""
        await self.stop(immediately=True)
        if self.pid is not None:
            raise EmbeddedServerError(f"The database in {self._place} is in use by another process.")
        shutil.rmtree(self._place)
        if self._asked.is_symlink():
            self._asked.unlink()

    async def kill(self) -> None:
        """SIGKILL the postmaster, as a crash would."""
        pid = self.pid
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
        await self._reap()

    def _settle(self) -> None:
        self._who = run_as()
        self._place = settled(self._asked, self._who)

    def _run_as(self) -> RunAs:
        if self._who is None:
            self._who = run_as()
        return self._who

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        with (self._place / "lock").open("w") as file:
            await asyncio.to_thread(fcntl.flock, file, fcntl.LOCK_EX)
            yield

    def _begin_use(self) -> None:
        # A shared lock for as long as this process uses the server; the system drops it when the process dies.
        if self._use is None:
            self._use = os.open(self._place / "users", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._use, fcntl.LOCK_SH)

    def _end_use(self) -> bool:
        # True when nobody else uses it.
        if self._use is not None:
            os.close(self._use)
            self._use = None
        with (self._place / "users").open("w") as file, suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        return False

    def _text(self, name: str) -> str:
        return (self._place / name).read_text(encoding="ascii").strip()

    def _write_secret(self, name: str, value: str) -> Path:
        path = self._place / name
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            file.write(value)
        return path

    def _socket_folder(self) -> Path:
        inside = self._place / "socket"
        if len(str(inside)) <= _LONGEST_SOCKET_FOLDER:
            return inside
        return Path(gettempdir()) / f"creditmesh-{os.geteuid()}-{crc32(str(inside).encode()):08x}"

    def _initialise(self) -> None:
        self._log("making a new PostgreSQL cluster")
        making = self._place / "cluster.making"
        shutil.rmtree(making, ignore_errors=True)
        password = self._write_secret("superuser", secrets.token_urlsafe(32))
        self._run_as().own(password)
        self._run_program(
            "initdb",
            *("-D", str(making), "-U", SUPERUSER, "-E", "UTF8", "-k", f"--pwfile={password}"),
            *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *("--auth-local=trust", "--auth-host=scram-sha-256", "--no-instructions"),
        )
        making.rename(self._place / "cluster")

    def _prepare(self) -> None:
        hba = self._place / "cluster" / "pg_hba.conf"
        if hba.read_text() != _HBA:
            hba.write_text(_HBA)
        folder = self._socket_folder()
        folder.mkdir(mode=0o700, exist_ok=True)
        self._run_as().own(folder)
        if folder.is_symlink() or folder.stat().st_mode & 0o077:
            raise EmbeddedServerError(f"The socket folder {folder} is open to others; remove it and start again.")
        if not (self._place / "port").exists():
            self._write_secret("port", str(_free_port()))

    async def _until_it_answers(self) -> None:
        deadline = asyncio.get_running_loop().time() + SECONDS_TO_START
        pause, launches = 0.02, 0
        while not await self._answers():
            if self._process is None or self._process.poll() is not None:
                if launches >= _LAUNCHES and not any(word in self._last_words() for word in _PASSING):
                    deadline = 0.0
                else:
                    self._launch()
                    launches += 1
            if asyncio.get_running_loop().time() > deadline:
                raise EmbeddedServerError(f"PostgreSQL did not start. Its last words:\n{self._last_words()}")
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 1.0)

    async def _answers(self) -> bool:
        try:
            connection = await self._own_session()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        await connection.close()
        return True

    async def _own_session(self) -> asyncpg.Connection:
        connection: asyncpg.Connection = await asyncpg.connect(
            host=str(self._socket_folder()),
            port=int(self._text("port")),
            user=SUPERUSER,
            database="postgres",
            timeout=5,
        )
        return connection

    def _launch(self) -> None:
        settings = {
            **_SETTINGS,
            "port": self._text("port"),
            "unix_socket_directories": str(self._socket_folder()),
        }
        words = [f"--{name}={value}" for name, value in settings.items()]
        command = [str(binaries(self._run_as()) / "postgres"), "-D", str(self._place / "cluster"), *words]
        with (self._place / "postgres.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own words
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_environment(),
                start_new_session=True,  # Ctrl-C at the console is for the node, which then stops the server itself
                umask=0o077,
                **self._run_as().process(),  # type: ignore[call-overload]
            )

    async def _check(self) -> None:
        connection = await self._own_session()
        try:
            rows = await connection.fetch("select name, setting from pg_settings where name = any($1)", _MUST_HOLD)
            # A node's role connects to its own database only, so not to these either.
            await connection.execute("revoke connect on database postgres, template1 from public")
        finally:
            await connection.close()
        broken = [row["name"] for row in rows if row["setting"] != "on"]
        if broken or len(rows) != len(_MUST_HOLD):
            raise EmbeddedServerError(f"PostgreSQL would lose what it acknowledged: {', '.join(broken)} must be on.")
        self._log(f"PostgreSQL answers on 127.0.0.1:{self._text('port')}")

    def _pg_ctl_stop(self, modes: Sequence[str]) -> None:
        for mode in modes:
            with suppress(EmbeddedServerError):
                cluster = str(self._place / "cluster")
                return self._run_program("pg_ctl", "stop", "-D", cluster, "-m", mode, "-t", str(int(SECONDS_TO_STOP)))
        if self.pid is not None and Path(f"/proc/{self.pid}").exists():
            raise EmbeddedServerError(f"PostgreSQL (process {self.pid}) does not stop.")
        return None

    async def _reap(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await asyncio.to_thread(process.wait, SECONDS_TO_STOP)

    def _run_program(self, program: str, *words: str) -> None:
        who = self._run_as()
        try:
            done = subprocess.run(  # noqa: S603 - our own words
                [str(binaries(who) / program), *words],
                check=False,
                capture_output=True,
                text=True,
                cwd="/",
                env=_environment(),
                umask=0o077,
                **who.process(),  # type: ignore[call-overload]
            )
        except OSError as error:
            raise EmbeddedServerError(f"{program} could not be started: {error}") from error
        if done.returncode != 0:
            raise EmbeddedServerError(f"{program} failed: {(done.stderr or done.stdout).strip()}")

    def _last_words(self, lines: int = 8) -> str:
        with suppress(OSError):
            return "\n".join((self._place / "postgres.log").read_text(errors="replace").splitlines()[-lines:])
        return ""


def _environment() -> dict[str, str]:
    # Nothing of ours: PG* variables would redirect the programs, and the rest is not theirs to know.
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def _free_port() -> int:
    # Below the range that outgoing connections use, so that a restart finds it free again.
    for _ in range(200):
        port = random.randrange(20_000, 30_000)  # noqa: S311 - not a secret
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise EmbeddedServerError("No free port between 20000 and 30000 on 127.0.0.1.")
