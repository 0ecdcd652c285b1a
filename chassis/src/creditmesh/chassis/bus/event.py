"""An event as a reader meets it, and the part that its key belongs to."""

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeVar
from uuid import UUID
from zlib import crc32

from creditmesh.chassis.ids import reader
from creditmesh.chassis.packing import size_of, unpack
from creditmesh.schemas.events import Event
from creditmesh.schemas.events.reading import read_event

E = TypeVar("E", bound=Event)
ORDINARY = 4096
"""Bytes that most bodies do not reach."""


def part_of(key: str, parts: int) -> int:
    """The part of a key, for a node of that many parts; both are fixed for life."""
    return crc32(key.encode()) % parts


# Not frozen: one is made for every event, and freezing doubles what that costs.
@dataclass(slots=True, kw_only=True)
class Ordered:
    """The place of one event in its stream: `number` is dense in (stream, part), `before` is the event before it."""

    stream: str
    part: int
    number: int
    before: UUID | None
    id: UUID
    type: str
    hint: int | None = field(default=None, compare=False)
    """Where the transport that brought it goes on, to be kept with the position."""

    @property
    def weight(self) -> int:
        """As how many ordinary events it counts, in a batch and where events wait in memory."""
        return 1


@dataclass(slots=True, kw_only=True)
class Delivered(Ordered):
    """One event with its body, as handlers get it."""

    version: int
    key: str
    at: datetime
    legal_date: date
    traceparent: str | None
    data: bytes
    """The body as its writer keeps it, packed or plain."""

    @property
    def body(self) -> bytes:
        """The body as it was said. Unpackable where it cannot be read."""
        return unpack(self.data)

    @property
    def weight(self) -> int:
        """One, and one more for each `ORDINARY` bytes of its body."""
        return 1 + size_of(self.data) // ORDINARY

    def read(self, cls: type[E]) -> E:
        """The body as its model, parsed once for all consumers of this process; unknown fields are ignored.

        UnknownWord where a newer version says what this one has no word for, Unpackable where it packs otherwise.
        """
        event = _PARSED.read(cls, self.data, self.version)
        assert isinstance(event, cls)  # noqa: S101 - what the memory does not tell the type checker
        return event


class Parsed:
    """The models of bodies that were read a short while ago: each consumer reads a backlog by itself.

    Bounded by the bytes of the bodies, of which their models take about six times as many; the oldest goes first. A
    model is never changed.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[tuple[type[Event], bytes], Event] = OrderedDict()  # a dict looks long for its oldest

    def read(self, cls: type[Event], data: bytes, version: int) -> Event:
        """The model of a body."""
        event = self._kept.get((cls, data))
        if event is None:
            event = read_event(cls, unpack(data), version=version, parse=reader(cls))
            self.keep(event, data)
        return event

    def keep(self, event: Event, data: bytes) -> None:
        """Keep the model of a body that was read."""
        key = (type(event), data)
        if key not in self._kept:
            self._kept[key] = event
            self._bytes += size_of(data)
            while self._bytes > self._most:
                (_, oldest), _ = self._kept.popitem(last=False)
                self._bytes -= size_of(oldest)


_PARSED = Parsed(8 * 1024 * 1024)
"""As far as the consumers of a process are apart over a file of ten thousand rows: with less each parses for itself."""


def remember(event: Event, data: bytes) -> None:
    """Keep the model of a body that this process itself has read and writes: its consumers need not parse it."""
    _PARSED.keep(event, data)


def read_once(cls: type[E], data: bytes) -> E:
    """The model of a body as this version keeps it, which is read to be forgotten, and so is kept nowhere."""
    return read_event(cls, unpack(data), version=cls.version, parse=reader(cls))


def recall(cls: type[E], data: bytes) -> E:
    """The model of a body as this version keeps it, parsed once for all of this process, its consumers among them."""
    event = _PARSED.read(cls, data, cls.version)
    assert isinstance(event, cls)  # noqa: S101 - as above
    return event
