"""Bodies as they are kept: zstd frames, made with a dictionary of what such bodies have in common.

The dictionary's id stands in each frame. What is no frame was written before, or is kept plain: JSON begins with `{`.
Dictionaries are files of this package, named by their ids. Whatever was written with one is read by no other, so that
none is ever changed or removed; a new one has a new id (`samples/dictionary.py`).
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache, cached_property
from importlib.resources import files
from typing import Generic, TypeVar
from uuid import UUID

import structlog
import zstandard

from creditmesh.chassis.errors import Unmended
from creditmesh.chassis.metrics import UNREADABLE_BODIES

T = TypeVar("T")

DICTIONARY = 32769
"""What is written with. Ids below 32768 are reserved by the format."""
LEVEL = 1
MOST = 64 * 1024 * 1024
"""Bytes of a body: no larger one is packed, and no more is ever unpacked."""
FRAME = zstandard.FRAME_HEADER
"""How what is packed begins, and JSON never does."""
_log = structlog.get_logger(__name__)


class Unpackable(Unmended):
    """What is kept cannot be read by this version: a dictionary is missing, or the bytes are damaged."""


class _Local(threading.local):
    """One of each for a thread: they are not made to be shared."""

    def __init__(self) -> None:
        self._readers: dict[int, zstandard.ZstdDecompressor] = {}

    @cached_property
    def writer(self) -> zstandard.ZstdCompressor:
        """What writes."""
        return zstandard.ZstdCompressor(level=LEVEL, dict_data=_dictionary(DICTIONARY))

    def reader(self, id_: int) -> zstandard.ZstdDecompressor:
        """What reads frames of that dictionary."""
        if id_ not in self._readers:
            self._readers[id_] = zstandard.ZstdDecompressor(dict_data=_dictionary(id_))
        return self._readers[id_]


def pack(body: bytes) -> bytes:
    """The body to be kept."""
    if len(body) > MOST:
        raise ValueError(f"no body of {len(body)} bytes is packed")
    return _LOCAL.writer.compress(body)


def unpack(kept: bytes) -> bytes:
    """The body that was kept, packed or plain; Unpackable where it cannot be read."""
    if not kept.startswith(FRAME):
        return kept
    id_: int | None = None
    try:
        says = zstandard.get_frame_parameters(kept)
        id_ = says.dict_id
        if says.content_size <= MOST:  # a frame that does not say it says more
            return _LOCAL.reader(id_).decompress(kept, allow_extra_data=False)
    except (zstandard.ZstdError, FileNotFoundError):
        pass
    raise Unpackable(
        f"What is kept here was packed with dictionary {id_} and cannot be unpacked: a newer version wrote it, or it is"
        " damaged. Run that version, or restore the database.",
        f"此处保存的数据以字典 {id_} 压缩，无法解压：可能由更新的版本写入，或已损坏。请运行该版本，或恢复数据库。",
    )


class RecordReader:
    """Reads what is kept of the records of one answer: one that cannot be read costs that record, and is noted.

    Whoever answers leaves it out and says so (`unreadable`); an operator is told by a metric and by the record's id.
    """

    def __init__(self, *, of: str) -> None:
        """`of`: the service that answers."""
        self._of = of
        self._unreadable: dict[UUID, None] = {}

    @property
    def unreadable(self) -> tuple[UUID, ...]:
        """The records that could not be read so far."""
        return tuple(self._unreadable)

    def attempt(self, record: UUID, read: Callable[[], T]) -> T | None:
        """What is read of this record; None where it is Unpackable, or a ValueError says that it is damaged."""
        try:
            return read()
        except (Unpackable, ValueError):
            self._unreadable[UUID(bytes=record.bytes)] = None  # the driver's own class of ids is none of a model's
            UNREADABLE_BODIES.labels(of=self._of).inc()
            _log.error("a record cannot be read and is left out of an answer", record=str(record))
            return None


class BodyReader(RecordReader, Generic[T]):
    """Reads the bodies of the records of one answer."""

    def __init__(self, parse: Callable[[bytes], T], *, of: str) -> None:
        """`parse` raises ValueError where it finds nothing that it can read."""
        super().__init__(of=of)
        self._parse = parse

    def read(self, record: UUID, kept: bytes) -> T | None:
        """What is kept of this record; None where it cannot be read."""
        return self.attempt(record, lambda: self._parse(unpack(kept)))


def size_of(kept: bytes) -> int:
    """Bytes of the body that was kept, without unpacking it; of what cannot be unpacked those that are kept."""
    says = -1
    if kept.startswith(FRAME):
        with suppress(zstandard.ZstdError):
            says = zstandard.frame_content_size(kept)
    return says if says >= 0 else len(kept)


@cache
def _dictionary(id_: int) -> zstandard.ZstdCompressionDict:
    name = f"{id_}.zdict"
    found = zstandard.ZstdCompressionDict((files(__package__) / "dictionaries" / name).read_bytes())
    if found.dict_id() != id_:
        raise RuntimeError(f"{name} is dictionary {found.dict_id()}")
    return found


_LOCAL = _Local()
