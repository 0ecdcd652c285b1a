"""How far a reader has come, kept in its own schema and moved in the transaction of the effects."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from uuid import UUID

from creditmesh.chassis.database.roles import quoted
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.errors import Uncertain

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
class ClaimedPosition:
    """A position as its new owner finds it; `tries` counts owners that died at it without moving it."""

    position: Position
    tries: int


async def register(session: Session, schema: str, *, streams: Collection[str], parts: int) -> None:
    """Make the rows of a new reader, at the beginning of each stream; known ones stay as they are."""
    await session.execute(_statements(schema).register, {"streams": list(streams), "parts": parts})


async def read_positions(
    session: Session, schema: str, *, streams: Collection[str], parts: Collection[int] | None = None
) -> list[ClaimedPosition]:
    """The committed positions in these streams: of all parts, or of some."""
    values = {"streams": list(streams), "parts": None if parts is None else list(parts)}
    return [
        ClaimedPosition(Position(stream, part, number, last, hint), tries + 1 if trying == number else 0)
        for stream, part, number, last, hint, trying, tries in await session.fetch(_statements(schema).read, values)
    ]


async def mark(session: Session, schema: str, claimed: Collection[ClaimedPosition]) -> None:
    """Write that an owner goes on from here: whoever finds the mark at an unmoved position knows that it died."""
    values = {
        "streams": [each.position.stream for each in claimed],
        "parts": [each.position.part for each in claimed],
        "numbers": [each.position.number for each in claimed],
        "tries": [each.tries for each in claimed],
    }
    if claimed:
        await session.execute(_statements(schema).mark, values)


async def forgive(session: Session, schema: str, places: Collection[Place]) -> None:
    """Take the marks back: their owner ended in good order."""
    values = {"streams": [stream for stream, _ in places], "parts": [part for _, part in places]}
    await session.execute(_statements(schema).forgive, values)


async def move(session: Session, schema: str, moves: Sequence[tuple[Position, Position]]) -> None:
    """Move many positions, each from exactly where it was remembered to be, in one statement.

    Uncertain if one of them was elsewhere: another process has taken the part, and all of this transaction is void.
    """
    if not moves:
        return
    before, after = zip(*moves, strict=True)
    values = {
        "streams": [p.stream for p in after],
        "parts": [p.part for p in after],
        "was": [p.number for p in before],
        "numbers": [p.number for p in after],
        "lasts": [p.last for p in after],
        "hints": [p.hint for p in after],
    }
    if await session.execute(_statements(schema).move, values) != len(moves):
        raise Uncertain("a position was moved by another process")


@dataclass(slots=True, frozen=True, kw_only=True)
class _Statements:
    register: str
    read: str
    mark: str
    forgive: str
    move: str


@cache
def _statements(schema: str) -> _Statements:
    table = f"{quoted(schema)}.reader_position"
    return _Statements(
        register=f"""
            insert into {table} (stream, part)
            select stream, part from unnest(cast(:streams as text[])) as stream,
                                     generate_series(0, cast(:parts as integer) - 1) as part
                on conflict do nothing
        """,
        read=f"""
            select stream, part, number, last, hint, trying, tries from {table}
             where stream = any(:streams) and (cast(:parts as integer[]) is null or part = any(:parts))
        """,
        mark=f"""
            update {table} p set trying = m.number, tries = m.tries
              from unnest(cast(:streams as text[]), cast(:parts as integer[]), cast(:numbers as bigint[]),
                          cast(:tries as smallint[])) as m(stream, part, number, tries)
             where p.stream = m.stream and p.part = m.part
        """,
        forgive=f"""
            update {table} p set trying = null, tries = 0
              from unnest(cast(:streams as text[]), cast(:parts as integer[])) as m(stream, part)
             where p.stream = m.stream and p.part = m.part
        """,
        move=f"""
            update {table} p set number = m.number, last = m.last, hint = coalesce(m.hint, p.hint)
              from unnest(cast(:streams as text[]), cast(:parts as integer[]), cast(:was as bigint[]),
                          cast(:numbers as bigint[]), cast(:lasts as uuid[]), cast(:hints as bigint[]))
                   as m(stream, part, was, number, last, hint)
             where p.stream = m.stream and p.part = m.part and p.number = m.was
        """,
    )
