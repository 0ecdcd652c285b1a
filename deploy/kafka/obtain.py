"""Obtains the jars of Apache Kafka with the machine's Maven, once, whole or not at all."""

import fcntl
import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

POM = Path(__file__).with_name("pom.xml")
HOME = Path(__file__).resolve().parents[2] / ".kafka"
MARKER = "whole.txt"
JAVA_NEEDED = 17


class Missing(Exception):
    """A tool that only the machine's owner can install is not there."""


class Failed(Exception):
    """Something that should have worked did not; the text says what, in one or a few lines."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time; the kernel frees the lock of a process that died."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def java() -> str:
    """The path of a Java that runs the broker."""
    path = shutil.which("java")
    if path is None:
        raise Missing(f"Kafka needs Java {JAVA_NEEDED} or later on the PATH; there is no `java`.")
    said = subprocess.run([path, "-version"], check=False, capture_output=True, text=True).stderr  # noqa: S603
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < JAVA_NEEDED:
        raise Missing(f"Kafka needs Java {JAVA_NEEDED} or later; `java` is {version[1] if version else 'unreadable'}.")
    return path


def jars() -> Path:
    """The folder with the jars of the versions in pom.xml, obtained now if it is not there whole."""
    folder = HOME / f"jars-{hashlib.sha256(POM.read_bytes()).hexdigest()[:12]}"
    with locked(HOME / "lock"):
        if not _whole(folder):
            _download(folder)
    return folder


def _whole(folder: Path) -> bool:
    try:
        lines = (folder / MARKER).read_text().splitlines()
        sizes = {name: int(size) for name, size in (line.split() for line in lines)}
        return bool(sizes) and all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError):
        return False


def _download(folder: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise Missing("Kafka is obtained with Maven; there is no `mvn` on the PATH.")
    with tempfile.TemporaryDirectory(dir=HOME, prefix="part-") as scratch:
        part = Path(scratch) / "jars"
        command = [maven, "-q", "-B", "-f", str(POM), "dependency:copy-dependencies"]
        command += [f"-DoutputDirectory={part}", "-DincludeScope=runtime"]
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=scratch)  # noqa: S603
        found = sorted(part.glob("*.jar"))
        if done.returncode != 0 or not any(jar.name.startswith("kafka_") for jar in found):
            raise Failed("Maven could not copy Kafka's jars:\n" + "\n".join(done.stdout.splitlines()[-8:]))
        (part / MARKER).write_text("".join(f"{jar.name} {jar.stat().st_size}\n" for jar in found))
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
