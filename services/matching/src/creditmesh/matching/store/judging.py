"""What the records of rows say, and pages of rows that are judged by it: filled, or as far as one page looks."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from creditmesh.chassis.bulk import in_slices
from creditmesh.chassis.bus.stream import body_of
from creditmesh.chassis.database.connecting import Row
from creditmesh.chassis.packing import unpack
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


def said(data: bytes | None) -> RecordChanged | None:
    """What a body that was read by `SAID` says; None if it was deleted."""
    return None if data is None else RecordChanged.model_validate_json(unpack(data))


async def judged(
    read: Callable[[P, int], Awaitable[Sequence[Row]]],
    *,
    judge: Callable[[Row], T | None],
    place: Callable[[Row], P],
    after: P,
    most: int,
) -> tuple[list[T], P | None]:
    """The first rows after a place for which `judge` gives something, and where it looked to; None: to the end.

    `read` gives so many rows after a place, fewer only at the end.
    """
    found, looked, asked = list[T](), 0, most
    while len(found) < most and looked < LOOKED:
        rows = await read(after, asked)
        async for some in in_slices(rows, SLICE):
            found += [each for row in some if (each := judge(row)) is not None]
        if len(rows) < asked:
            return found[:most], None
        after, looked, asked = place(rows[-1]), looked + asked, AT_ONCE
    return found[:most], after
