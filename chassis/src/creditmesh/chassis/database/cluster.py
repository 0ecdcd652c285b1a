"""A PostgreSQL cluster on disk: its folder, how it is made and configured, and the programs that run on it.

The folder holds `cluster` (PostgreSQL's own), `socket`, `port`, `superuser` (the password, 0600), `postgres.log`, and
the locks of the processes that use it. Who may connect: `postgres` through the socket folder, which only the server's
user and root can enter; everybody else with a password.
"""

import os
import random
import secrets
import shutil
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from zlib import crc32

from creditmesh.chassis.database.places import EmbeddedServerError, RunAs, binaries

SUPERUSER = "postgres"
_LONGEST_SOCKET_FOLDER = 80  # a socket's whole path has room for 107 bytes
_HBA = """\
local all postgres           trust
local all all                scram-sha-256
host  all all 127.0.0.1/32   scram-sha-256
host  all all ::1/128        scram-sha-256
"""
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_permissions": "0777",  # the folder is closed, the roles have passwords
    "max_connections": "320",  # three nodes, each service a process: `host` says what one may need
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


class Cluster:
    """One cluster in its folder, and the system user its programs run as."""

    def __init__(self, folder: Path, who: RunAs) -> None:
        self.folder = folder
        self._who = who

    @property
    def port(self) -> int:
        """The TCP port, chosen once."""
        return int(self._text("port"))

    @property
    def password(self) -> str:
        """The superuser's password."""
        return self._text("superuser")

    @property
    def socket_folder(self) -> Path:
        """The folder of the unix socket: inside ours, or in /tmp where that path is too long for a socket."""
        inside = self.folder / "socket"
        if len(str(inside)) <= _LONGEST_SOCKET_FOLDER:
            return inside
        return Path("/tmp") / f"creditmesh-{os.geteuid()}-{crc32(str(inside).encode()):08x}"  # noqa: S108 - 0700, checked

    @property
    def pid(self) -> int | None:
        """The postmaster's process id, if it runs."""
        with suppress(OSError, ValueError):
            pid = int((self.folder / "cluster" / "postmaster.pid").read_text().split("\n")[0])
            return pid if _is_postgres(pid) else None
        return None

    def prepare(self) -> bool:
        """Make what is missing and write what must hold; True if the cluster itself was made."""
        new = not (self.folder / "cluster").exists()
        if new:
            self._initialise()
        (self.folder / "cluster" / "pg_hba.conf").write_text(_HBA)
        self._prepare_socket_folder()
        if not (self.folder / "port").exists():
            self._write_secret("port", str(_free_port()))
        return new

    def launch(self) -> subprocess.Popen[bytes]:
        """Start a postmaster in a session of its own: Ctrl-C at the console is the node's, which stops it in turn."""
        settings = {**_SETTINGS, "port": str(self.port), "unix_socket_directories": str(self.socket_folder)}
        words = [f"--{name}={value}" for name, value in settings.items()]
        command = [str(binaries(self._who) / "postgres"), "-D", str(self.folder / "cluster"), *words]
        with (self.folder / "postgres.log").open("ab") as log:
            return subprocess.Popen(  # type: ignore[call-overload,no-any-return] # noqa: S603 - our own words
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_environment(),
                start_new_session=True,
                umask=0o077,
                **self._who.process(),
            )

    def shut_down(self, mode: str, *, seconds: float) -> None:
        """Tell the postmaster to stop (`fast`, `immediate`) and wait; EmbeddedServerError if it does not in time."""
        self._run("pg_ctl", "stop", "-D", str(self.folder / "cluster"), "-m", mode, "-t", str(int(seconds)))

    def last_words(self, lines: int = 8) -> str:
        """The end of the server's log."""
        with suppress(OSError):
            return "\n".join((self.folder / "postgres.log").read_text(errors="replace").splitlines()[-lines:])
        return ""

    def _initialise(self) -> None:
        making = self.folder / "cluster.making"
        shutil.rmtree(making, ignore_errors=True)
        password = self._write_secret("superuser", secrets.token_urlsafe(32))
        self._who.own(password)
        self._run(
            "initdb",
            *("-D", str(making), "-U", SUPERUSER, "-E", "UTF8", "-k", f"--pwfile={password}"),
            *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *("--auth-local=trust", "--auth-host=scram-sha-256", "--no-instructions"),
        )
        making.rename(self.folder / "cluster")

    def _prepare_socket_folder(self) -> None:
        folder = self.socket_folder
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            self._who.own(folder)
        found = folder.lstat()
        owners = {os.geteuid(), os.geteuid() if self._who.user is None else self._who.user.pw_uid}
        if folder.is_symlink() or found.st_mode & 0o077 or found.st_uid not in owners:
            raise EmbeddedServerError(f"The socket folder {folder} is not ours alone; remove it and start again.")

    def _run(self, program: str, *words: str) -> None:
        try:
            done = subprocess.run(  # type: ignore[call-overload] # noqa: S603 - our own words
                [str(binaries(self._who) / program), *words],
                check=False,
                capture_output=True,
                text=True,
                cwd="/",
                env=_environment(),
                umask=0o077,
                **self._who.process(),
            )
        except OSError as error:
            raise EmbeddedServerError(f"{program} could not be started: {error}") from error
        if done.returncode != 0:
            raise EmbeddedServerError(f"{program} failed: {(done.stderr or done.stdout).strip()}")

    def _text(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="ascii").strip()

    def _write_secret(self, name: str, value: str) -> Path:
        path = self.folder / name
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            file.write(value)
        return path


def _is_postgres(pid: int) -> bool:
    # A stale pid file may name a process that is somebody else's by now.
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip() == "postgres"
    except OSError:
        return not Path("/proc/self").exists()


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
