"""What the records of rows say, and pages of rows that are judged by it: filled, or as far as one page looks."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from creditmesh.chassis.bulk import in_slices
from creditmesh.chassis.bus.stream import body_of
from creditmesh.chassis.database.connecting import Row
from creditmesh.chassis.packing import BodyReader
from creditmesh.schemas.events import RecordChanged

SAID = body_of("ingestion", part="s.home", event="s.body")
"""What the record of a row `s` says; null where it was deleted."""
AT_ONCE = 500
"""Rows of a statement that fills a page, however few the caller asked for."""
LOOKED = 2000
"""Rows that one page looks at: it ends short behind them."""

SLICE = 100
"""Rows that are judged before others have the process: to read what a record says takes some 25 us."""

P = TypeVar("P")
T = TypeVar("T")


class Judged(NamedTuple, Generic[T, P]):
    """Rows of a page, up to which place it looked (None: to the end), and the records that could not be read."""

    found: list[T]
    looked: P | None
    unreadable: tuple[UUID, ...]


class SaidReader:
    """Reads what `SAID` gives of the records of one answer."""

    def __init__(self) -> None:
        self._bodies = BodyReader(RecordChanged.model_validate_json, of="matching")

    @property
    def unreadable(self) -> tuple[UUID, ...]:
        """The records that could not be read so far: nothing is said of them."""
        return self._bodies.unreadable

    def read(self, record: UUID, data: bytes | None) -> RecordChanged | None:
        """What a record says; None if it was deleted, or cannot be read."""
        return None if data is None else self._bodies.read(record, data)


async def judged(
    read: Callable[[P, int], Awaitable[Sequence[Row]]],
    *,
    judge: Callable[[Row, SaidReader], T | None],
    place: Callable[[Row], P],
    after: P,
    most: int,
) -> Judged[T, P]:
    """The first rows after a place for which `judge` gives something.

    `read` gives so many rows after a place, fewer only at the end.
    """
    found, looked, asked, reader = list[T](), 0, most, SaidReader()
    while len(found) < most and looked < LOOKED:
        rows = await read(after, asked)
        async for some in in_slices(rows, SLICE):
            found += [each for row in some if (each := judge(row, reader)) is not None]
        if len(rows) < asked:
            return Judged(found[:most], None, reader.unreadable)
        after, looked, asked = place(rows[-1]), looked + asked, AT_ONCE
    return Judged(found[:most], after, reader.unreadable)
