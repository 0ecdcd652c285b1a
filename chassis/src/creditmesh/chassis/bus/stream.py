"""Reading a stream out of PostgreSQL: the announced heads, the events after a position, the reader's report.

The same functions serve the embedded bus, every refill beside Kafka, and followers. They run in the caller's
transaction, under the role of a service that the stream was granted to.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Date,
    DateTime,
    Integer,
    LargeBinary,
    Select,
    SmallInteger,
    Text,
    Uuid,
    bindparam,
    column,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from creditmesh.chassis.bus.event import Delivered, Ordered
from creditmesh.chassis.database.fetch import fetch


@dataclass(slots=True, frozen=True)
class Head:
    """The highest number of a part of a stream, and the event that has it."""

    number: int
    last: UUID | None


@dataclass(slots=True, frozen=True)
class Pressure:
    """How far the node's events are behind: what intake looks at before it takes more."""

    queue_age: float
    """Seconds that the oldest event has waited for its number."""
    reader_lag: int
    """Events that the slowest registered reader of a stream has not passed."""


_HEADS = text("select part, number, last from bus.heads(:stream)").bindparams(bindparam("stream", type_=Text))
_REPORT = text("select bus.report(:reader, :stream, :parts, :numbers)").bindparams(
    bindparam("reader", type_=Text),
    bindparam("stream", type_=Text),
    bindparam("parts", type_=ARRAY(Integer)),
    bindparam("numbers", type_=ARRAY(BigInteger)),
)
_PASSED = text("select part, number from bus.passed(:stream)").bindparams(bindparam("stream", type_=Text))
_PRESSURE = text("select queue_age, reader_lag from bus.pressure()")


async def heads(connection: AsyncConnection, stream: str) -> dict[int, Head]:
    """The announced head of every part. Read it after the position it is compared with."""
    rows = await fetch(connection, _HEADS, {"stream": stream})
    return {part: Head(number, last) for part, number, last in rows}


async def read_stream(
    connection: AsyncConnection,
    stream: str,
    *,
    after: Mapping[int, int],
    n: int,
    types: Collection[str] | None = None,
) -> list[Ordered]:
    """At most `n` events after the given number of each part, by part and number.

    Events of the asked types (None: all) come `Delivered`, with their bodies; of others only the place is read.
    Numbers are dense, so the bound is `number <= after + n` and the server never sorts a backlog.
    """
    rows = await fetch(
        connection,
        _read(stream),
        {
            "parts": list(after),
            "after": list(after.values()),
            "n": n,
            "types": None if types is None else list(types),
        },
    )
    return [_event(stream, row) for row in rows]


async def report(connection: AsyncConnection, *, reader: str, stream: str, numbers: Mapping[int, int]) -> None:
    """Tell how far this reader has come in each part; its first report registers it."""
    await connection.execute(
        _REPORT, {"reader": reader, "stream": stream, "parts": list(numbers), "numbers": list(numbers.values())}
    )


async def passed(connection: AsyncConnection, stream: str) -> dict[int, int]:
    """Up to which number of each part every registered reader of a stream has applied it."""
    return dict(await fetch(connection, _PASSED, {"stream": stream}))


async def pressure(connection: AsyncConnection) -> Pressure:
    """Whether the node keeps up; intake answers 503 when it does not."""
    [(queue_age, reader_lag)] = await fetch(connection, _PRESSURE, {})
    return Pressure(queue_age=queue_age, reader_lag=reader_lag)


@cache
def _read(stream: str) -> Select[Any]:
    rows = getattr(func.bus, f"read_{stream}")(
        bindparam("parts", type_=ARRAY(Integer)),
        bindparam("after", type_=ARRAY(BigInteger)),
        bindparam("n", type_=Integer),
        bindparam("types", type_=ARRAY(Text)),
    ).table_valued(
        column("part", Integer),
        column("number", BigInteger),
        column("before", Uuid),
        column("id", Uuid),
        column("type", Text),
        column("version", SmallInteger),
        column("key", Text),
        column("at", DateTime(timezone=True)),
        column("legal_date", Date),
        column("traceparent", Text),
        column("data", LargeBinary),
    )
    return select(rows)


def _event(stream: str, row: Sequence[Any]) -> Ordered:
    part, number, before, id_, type_, version, key, at, legal_date, traceparent, data = row
    if data is None:
        return Ordered(stream=stream, part=part, number=number, before=before, id=id_, type=type_)
    return Delivered(
        stream=stream,
        part=part,
        number=number,
        before=before,
        id=id_,
        type=type_,
        version=version,
        key=key,
        at=at,
        legal_date=legal_date,
        traceparent=traceparent,
        data=data,
    )
