"""Dead letters: an event that its handler refuses for good, and behind it, in order, every later event of its key.

Both stand in the reader's schema and are written in the transaction that moves the position past them, so that the
other keys of the part flow on. A row without an `error` waits for the one before it.
"""

import traceback
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.database.roles import quoted
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.errors import MeshError

Parked = tuple[str, str]
"""A stream and a key of it."""


class DeadLetter(NamedTuple):
    """One event that its handler refuses, and how many of its key wait behind it; never the key or the body."""

    stream: str
    part: int
    number: int
    type: str
    error: str
    waiting: int
    since: datetime


_COLUMNS = (
    "stream", "part", "number", "before", "id", "type", "version", "key", "at", "legal_date", "traceparent", "data",
    "error",
)  # fmt: skip


async def bury(session: Session, schema: str, events: Sequence[Delivered], *, error: str | None = None) -> None:
    """Keep these events instead of applying them; the caller moves the position in the same transaction."""
    rows = [(*(getattr(event, name) for name in _COLUMNS[:-1]), error) for event in events]
    await session.copy(f"{schema}.dead_letter", _COLUMNS, rows)


async def parked_keys(session: Session, schema: str, streams: Collection[str]) -> frozenset[Parked]:
    """The keys of these streams that have a dead letter: their events wait."""
    rows = await session.fetch(_parked(schema), {"streams": list(streams)})
    return frozenset((stream, key) for stream, key in rows)


async def letters(session: Session, schema: str, *, limit: int = 1000) -> list[DeadLetter]:
    """The dead letters of a reader, oldest first in each part."""
    return [DeadLetter(*row) for row in await session.fetch(_letters(schema), {"limit": limit})]


def described(error: BaseException) -> str:
    """An error for a person to look at: its class and where it was raised. Messages of others may quote data."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    said = f": {error}" if isinstance(error, MeshError) else ""
    return f"{type(error).__qualname__}{where}{said}"


@cache
def _parked(schema: str) -> str:
    return f"select distinct stream, key from {quoted(schema)}.dead_letter where stream = any(:streams)"


@cache
def _letters(schema: str) -> str:
    table = f"{quoted(schema)}.dead_letter"
    return f"""
        select dead.stream, dead.part, dead.number, dead.type, dead.error,
               (select count(*) from {table} behind
                 where behind.stream = dead.stream and behind.key = dead.key and behind.error is null),
               dead.parked_at
          from {table} dead where dead.error is not null
         order by dead.stream, dead.part, dead.number limit :limit
    """
