"""Writes answers to a file that is there whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from creditmesh.client.errors import Unsendable


@contextmanager
def written(file: Path) -> Iterator[BinaryIO]:
    """A file to write answers to, under another name until it is whole."""
    part = file.with_name(file.name + ".part")
    try:
        with part.open("wb") as out:
            yield out
        part.replace(file)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise Unsendable(f"{file}: cannot be written ({reason}).", f"{file}：无法写入（{reason}）。") from None
    finally:
        with suppress(OSError):
            part.unlink()
