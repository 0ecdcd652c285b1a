"""Dead letters: an event that its handler refuses for good, and behind it, in order, every later event of its key.

Both stand in the reader's schema and are written in the transaction that moves the position past them, so that the
other keys of the part flow on. A row without an `error` waits for the one before it. An operator asks for a letter to
be tried again or dropped; whoever leases the part does it, with all that waits behind it, and the key flows again.
"""

import traceback
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple
from uuid import UUID

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.bus.position import Place
from creditmesh.chassis.database.roles import quoted
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.errors import MeshError, Uncertain

Parked = tuple[str, str]
"""A stream and a key of it."""
Wish = Literal["retry", "drop"]
"""What an operator asks for a letter."""


class DeadLetter(NamedTuple):
    """One event that its handler refuses, and how many of its key wait behind it; never the key or the body."""

    stream: str
    part: int
    number: int
    type: str
    error: str
    waiting: int
    since: datetime
    asked: Wish | None
    id: UUID
    at: datetime
    """When the event happened; `since` is when it was put aside."""


@dataclass(slots=True, frozen=True)
class ParkedEvent:
    """One event of a parked key, and what was asked of it."""

    event: Delivered
    asked: Wish | None


_BODY = ("part", "number", "before", "id", "type", "version", "key", "at", "legal_date", "traceparent", "data")
_COLUMNS = ("stream", *_BODY, "error")


async def add_letter(session: Session, schema: str, event: Delivered, error: str) -> None:
    """Keep an event that its handler refuses; the caller moves the position in the same transaction."""
    await session.copy(f"{schema}.dead_letter", _COLUMNS, [_row(event, error)])


async def add_waiting(session: Session, schema: str, events: Sequence[Delivered]) -> None:
    """Keep events of parked keys behind their letters."""
    await session.copy(f"{schema}.dead_letter", _COLUMNS, [_row(event, None) for event in events])


async def parked_keys(session: Session, schema: str, streams: Collection[str]) -> frozenset[Parked]:
    """The keys of these streams that have a dead letter: their events wait."""
    rows = await session.fetch(_statements(schema).parked, {"streams": list(streams)})
    return frozenset((stream, key) for stream, key in rows)


async def letters(session: Session, schema: str, *, limit: int = 1000) -> list[DeadLetter]:
    """The dead letters of a reader, oldest first in each part."""
    return [DeadLetter(*row) for row in await session.fetch(_statements(schema).letters, {"limit": limit})]


async def ask(session: Session, schema: str, place: Place, number: int, wish: Wish) -> tuple[str, str] | None:
    """Ask for a letter to be tried again or dropped; its type and key, None if there is no letter at that number."""
    values = {"stream": place[0], "part": place[1], "number": number, "wish": wish}
    row = await session.row(_statements(schema).ask, values)
    return None if row is None else (row.type, row.key)


async def letter_of(session: Session, schema: str, stream: str, key: str) -> tuple[int, Wish | None] | None:
    """The number of the letter behind which a key waits now, and what is asked of it; None if the key flows."""
    row = await session.row(_statements(schema).letter_of, {"stream": stream, "key": key})
    return None if row is None else (row.number, row.asked)


async def drop_key(session: Session, schema: str, stream: str, key: str) -> int:
    """Give up all events of a key, of a stream that nobody reads for this schema any more; how many."""
    return await session.execute(_statements(schema).drop_key, {"stream": stream, "key": key})


async def asked(session: Session, schema: str, streams: Collection[str]) -> Sequence[tuple[Place, str]]:
    """The places and keys whose letters an operator has asked for."""
    rows = await session.fetch(_statements(schema).asked, {"streams": list(streams)})
    return [((stream, part), key) for stream, part, key in rows]


async def of_key(session: Session, schema: str, stream: str, key: str, *, limit: int) -> list[ParkedEvent]:
    """A key's letter, and what waits behind it, in order: at most so many in all."""
    rows = await session.fetch(_statements(schema).of_key, {"stream": stream, "key": key, "limit": limit})
    return [ParkedEvent(Delivered(stream=stream, **dict(zip(_BODY, body, strict=True))), wish) for *body, wish in rows]


async def remove(session: Session, schema: str, place: Place, key: str, numbers: Sequence[int]) -> None:
    """Take these of a key out: they were applied in the same transaction, or an operator dropped them.

    What is left begins with a letter, and is to be tried at once: whoever dies here leaves nothing without a head.
    Uncertain if they are not all there: somebody else has applied them, and moved no position by it.
    """
    values = {"stream": place[0], "part": place[1], "numbers": numbers}
    if await session.execute(_statements(schema).remove, values) != len(numbers):
        raise Uncertain("the letters were taken out by another process")
    await session.execute(_statements(schema).promote, {"stream": place[0], "key": key})


async def refuse_again(session: Session, schema: str, place: Place, number: int, error: str) -> None:
    """Write why an event of a parked key is refused now; what was asked of its key is answered by that."""
    values = {"stream": place[0], "part": place[1], "number": number, "error": error}
    await session.execute(_statements(schema).refuse_again, values)


def described(error: BaseException) -> str:
    """An error for a person to look at: its class and where it was raised. Messages of others may quote data."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    said = f": {error}" if isinstance(error, MeshError) else ""
    return f"{type(error).__qualname__}{where}{said}"


def _row(event: Delivered, error: str | None) -> tuple[object, ...]:
    return (event.stream, *(getattr(event, name) for name in _BODY), error)


@dataclass(slots=True, frozen=True, kw_only=True)
class _Statements:
    parked: str
    letters: str
    ask: str
    letter_of: str
    drop_key: str
    asked: str
    of_key: str
    remove: str
    promote: str
    refuse_again: str


@cache
def _statements(schema: str) -> _Statements:
    table = f"{quoted(schema)}.dead_letter"
    here = "stream = :stream and part = :part and number = :number"
    of_key = "stream = :stream and key = :key"
    return _Statements(
        parked=f"select distinct stream, key from {table} where stream = any(:streams)",
        letters=f"""
            select dead.stream, dead.part, dead.number, dead.type, dead.error,
                   (select count(*) from {table} behind
                     where behind.stream = dead.stream and behind.key = dead.key and behind.error is null),
                   dead.parked_at, dead.asked, dead.id, dead.at
              from {table} dead where dead.error is not null
             order by dead.stream, dead.part, dead.number limit :limit
        """,
        ask=f"update {table} set asked = :wish where {here} and error is not null returning type, key",
        letter_of=f"select number, asked from {table} where {of_key} order by number limit 1",
        drop_key=f"delete from {table} where {of_key}",
        asked=f"select distinct stream, part, key from {table} where asked is not null and stream = any(:streams)",
        of_key=f"select {', '.join(_BODY)}, asked from {table} where {of_key} order by number limit :limit",
        remove=f"delete from {table} where stream = :stream and part = :part and number = any(:numbers)",
        promote=f"""
            update {table} set error = coalesce(error, 'its turn has come'), asked = 'retry'
             where {of_key} and number = (select min(number) from {table} where {of_key})
        """,
        refuse_again=f"""
            update {table} set error = case when number = :number then :error else error end, asked = null
             where stream = :stream and part = :part
               and key = (select key from {table} where {here})
        """,
    )
