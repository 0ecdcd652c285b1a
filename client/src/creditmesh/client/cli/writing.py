"""Writes answers to a file that is there whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from creditmesh.client.cli.say import printable
from creditmesh.client.errors import Unsendable


@contextmanager
def written(file: Path, *, private: bool = False) -> Iterator[BinaryIO]:
    """A file to write answers to, under another name until it is whole; `private`: its owner alone reads it."""
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        mode = 0o600 if private else 0o666
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        part.replace(file)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        name = printable(str(file))
        raise Unsendable(f"{name}: cannot be written ({reason}).", f"{name}：无法写入（{reason}）。") from None
    finally:
        with suppress(OSError):
            part.unlink()


def save(file: Path, content: bytes, *, private: bool = False) -> None:
    """A small file, whole or not at all."""
    with written(file, private=private) as out:
        out.write(content)
