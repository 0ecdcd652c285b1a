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

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
    insert,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from creditmesh.chassis.bus.event import Delivered
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


@cache
def dead_letter_table(schema: str) -> Table:
    """The table `dead_letter` of a reader's schema."""
    return Table(
        "dead_letter",
        MetaData(schema=schema),
        Column("stream", Text, primary_key=True),
        Column("part", Integer, primary_key=True, autoincrement=False),
        Column("number", BigInteger, primary_key=True, autoincrement=False),
        Column("before", Uuid),
        Column("id", Uuid, nullable=False),
        Column("type", Text, nullable=False),
        Column("version", SmallInteger, nullable=False),
        Column("key", Text, nullable=False),
        Column("at", DateTime(timezone=True), nullable=False),
        Column("legal_date", Date, nullable=False),
        Column("traceparent", Text),
        Column("data", LargeBinary, nullable=False),
        Column("error", Text),
        Column("parked_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
        Index("dead_letter_of_key", "stream", "key", "number"),
    )


async def bury(
    connection: AsyncConnection, schema: str, events: Sequence[Delivered], *, error: str | None = None
) -> None:
    """Keep these events instead of applying them; the caller moves the position in the same transaction."""
    if events:
        rows = [
            {
                "stream": e.stream,
                "part": e.part,
                "number": e.number,
                "before": e.before,
                "id": e.id,
                "type": e.type,
                "version": e.version,
                "key": e.key,
                "at": e.at,
                "legal_date": e.legal_date,
                "traceparent": e.traceparent,
                "data": e.data,
                "error": error,
            }
            for e in events
        ]
        await connection.execute(insert(dead_letter_table(schema)).values(rows))


async def parked_keys(connection: AsyncConnection, schema: str, streams: Collection[str]) -> frozenset[Parked]:
    """The keys of these streams that have a dead letter: their events wait."""
    table = dead_letter_table(schema)
    rows = await connection.execute(select(table.c.stream, table.c.key).where(table.c.stream.in_(streams)).distinct())
    return frozenset((stream, key) for stream, key in rows)


async def letters(connection: AsyncConnection, schema: str, *, limit: int = 1000) -> list[DeadLetter]:
    """The dead letters of a reader, oldest first in each part."""
    dead, behind = dead_letter_table(schema).alias("dead"), dead_letter_table(schema).alias("behind")
    waiting = (
        select(func.count())
        .where(behind.c.stream == dead.c.stream, behind.c.key == dead.c.key, behind.c.error.is_(None))
        .scalar_subquery()
    )
    c = dead.c
    query = (
        select(c.stream, c.part, c.number, c.type, c.error, waiting, c.parked_at)
        .where(c.error.is_not(None))
        .order_by(c.stream, c.part, c.number)
        .limit(limit)
    )
    return [DeadLetter(*row) for row in await connection.execute(query)]


def described(error: BaseException) -> str:
    """An error for a person to look at: its class and where it was raised. Messages of others may quote data."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    said = f": {error}" if isinstance(error, MeshError) else ""
    return f"{type(error).__qualname__}{where}{said}"
