"""How far a reader has come, kept in its own schema and moved in the transaction of the effects."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    and_,
    bindparam,
    func,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningUpdate

from creditmesh.chassis.database.fetch import fetch
from creditmesh.chassis.errors import Doubt

Place = tuple[str, int]
"""A stream and a part of it."""


@dataclass(slots=True, frozen=True)
class Position:
    """The last number applied in one part of one stream, the event that had it, and where a transport stood."""

    stream: str
    part: int
    number: int = 0
    last: UUID | None = None
    hint: int | None = None

    @property
    def place(self) -> Place:
        """The stream and the part."""
        return self.stream, self.part


@dataclass(slots=True, frozen=True)
class Claimed:
    """A position as its new owner finds it; `tries` counts owners that died at it without moving it."""

    position: Position
    tries: int


@cache
def position_table(schema: str) -> Table:
    """The table `reader_position` of a reader's schema."""
    return Table(
        "reader_position",
        MetaData(schema=schema),
        Column("stream", Text, primary_key=True),
        Column("part", Integer, primary_key=True, autoincrement=False),
        Column("number", BigInteger, nullable=False, server_default="0"),
        Column("last", Uuid),
        Column("hint", BigInteger),
        Column("trying", BigInteger),
        Column("tries", SmallInteger, nullable=False, server_default="0"),
        postgresql_with={"fillfactor": "50"},
    )


async def register(connection: AsyncConnection, schema: str, *, streams: Collection[str], parts: int) -> None:
    """Make the rows of a new reader, at the beginning of each stream; known ones stay as they are."""
    rows = [{"stream": stream, "part": part} for stream in streams for part in range(parts)]
    await connection.execute(insert(position_table(schema)).values(rows).on_conflict_do_nothing())


async def read_positions(
    connection: AsyncConnection, schema: str, *, streams: Collection[str], parts: Collection[int] | None = None
) -> list[Claimed]:
    """The committed positions in these streams: of all parts, or of some."""
    table = position_table(schema)
    query = select(table).where(table.c.stream.in_(streams))
    if parts is not None:
        query = query.where(table.c.part.in_(parts))
    return [
        Claimed(
            Position(row.stream, row.part, row.number, row.last, row.hint),
            row.tries + 1 if row.trying == row.number else 0,
        )
        for row in await connection.execute(query)
    ]


async def mark(connection: AsyncConnection, schema: str, claimed: Collection[Claimed]) -> None:
    """Write that an owner goes on from here: whoever finds the mark at an unmoved position knows that it died."""
    table = position_table(schema)
    for each in claimed:
        at = and_(table.c.stream == each.position.stream, table.c.part == each.position.part)
        await connection.execute(update(table).where(at).values(trying=each.position.number, tries=each.tries))


async def forgive(connection: AsyncConnection, schema: str, places: Collection[Place]) -> None:
    """Take the marks back: their owner ended in good order."""
    table = position_table(schema)
    here = tuple_(table.c.stream, table.c.part).in_(places)
    await connection.execute(update(table).where(here).values(trying=None, tries=0))


async def move(connection: AsyncConnection, schema: str, moves: Sequence[tuple[Position, Position]]) -> None:
    """Move many positions, each from exactly where it was remembered to be, in one statement.

    Doubt if one of them was elsewhere: another process has taken the part, and all of this transaction is void.
    """
    if not moves:
        return
    before, after = zip(*moves, strict=True)
    moved = await fetch(
        connection,
        _move(schema),
        {
            "streams": [p.stream for p in after],
            "parts": [p.part for p in after],
            "was": [p.number for p in before],
            "number": [p.number for p in after],
            "last": [p.last for p in after],
            "hint": [p.hint for p in after],
        },
    )
    if len(moved) != len(moves):
        raise Doubt("a position was moved by another process")


@cache
def _move(schema: str) -> ReturningUpdate[tuple[int]]:
    table = position_table(schema)
    moved = (
        func.unnest(
            bindparam("streams", type_=ARRAY(Text)),
            bindparam("parts", type_=ARRAY(Integer)),
            bindparam("was", type_=ARRAY(BigInteger)),
            bindparam("number", type_=ARRAY(BigInteger)),
            bindparam("last", type_=ARRAY(Uuid)),
            bindparam("hint", type_=ARRAY(BigInteger)),
        )
        .table_valued("stream", "part", "was", "number", "last", "hint", name="moved")
        .render_derived()
    )
    c = table.c
    return (
        update(table)
        .where(c.stream == moved.c.stream, c.part == moved.c.part, c.number == moved.c.was)
        .values(number=moved.c.number, last=moved.c.last, hint=func.coalesce(moved.c.hint, c.hint))
        .returning(c.part)
    )
