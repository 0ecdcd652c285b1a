"""Reading a stream out of PostgreSQL: the announced heads, the events after a position, the reader's report.

The same functions serve the embedded bus, every refill beside Kafka, and replicas. They run in the caller's
transaction, under the role of a service that the stream was granted to. So does `body_of`, by which a service that
keeps no bodies reads one.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from creditmesh.chassis.bus.event import Delivered, Ordered
from creditmesh.chassis.database.roles import quoted
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.pruning import Retention


@dataclass(slots=True, frozen=True)
class Head:
    """The highest number of a part of a stream, and the event that has it."""

    number: int
    last: UUID | None


_HEADS = "select part, number, last from bus.heads(:stream)"
_REPORT = "select bus.report(:reader, :stream, :parts, :numbers)"
_PASSED = "select part, number from bus.passed(:stream)"
_LASTING = "select pg_logical_emit_message(true, 'creditmesh', '')"
_PRUNE = "select pruned, oldest from bus.prune_events(:stream, :before, :most, :published)"
_PARKED = "select * from bus.parked(:stream, :keys)"


def body_of(stream: str, *, part: str, event: str) -> str:
    """The body of an event of that service's outbox as it is kept (`packing`), as SQL over expressions for part and id.

    It stands for a value, which is null where the body was deleted and is read where it is asked for alone, or, after
    `lateral`, for a row with the column `data`. The service must declare that it reads these (`Service.bodies`).
    `offset 0` leaves the planner no other way than the look-up, whatever it knew of the tables when it planned.
    """
    return f"(select b.data from bus.{quoted(f'body_{stream}')} b where b.part = {part} and b.id = {event} offset 0)"


async def heads(session: Session, stream: str) -> dict[int, Head]:
    """The announced head of every part. Read it after the position it is compared with."""
    return {part: Head(number, last) for part, number, last in await session.fetch(_HEADS, {"stream": stream})}


async def read_stream(
    session: Session,
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
    values = {
        "parts": list(after),
        "after": list(after.values()),
        "n": n,
        "types": None if types is None else list(types),
    }
    return [_event(stream, row) for row in await session.fetch(_read(stream), values)]


async def report(session: Session, *, reader: str, stream: str, numbers: Mapping[int, int]) -> None:
    """Tell how far this reader has come in each part; its first report registers it."""
    values = {"reader": reader, "stream": stream, "parts": list(numbers), "numbers": list(numbers.values())}
    await session.execute(_REPORT, values)


async def passed(session: Session, stream: str) -> dict[int, int]:
    """Up to which number of each part every registered reader of a stream has applied it."""
    return {row.part: row.number for row in await session.fetch(_PASSED, {"stream": stream})}


async def until_it_lasts(session: Session) -> None:
    """Wait until all that was seen committed is on the disk: before anybody outside is told of it (decision 43).

    What is committed later is flushed later, so that a commit which is waited for takes along those that were not; this
    writes a message of no consequence, without which there would be none.
    """
    await session.execute(_LASTING)


async def parked(session: Session, stream: str, keys: Collection[str]) -> Collection[str]:
    """Of these keys, those behind a dead letter of some reader of the stream: not everybody has applied them."""
    return {row[0] for row in await session.fetch(_PARKED, {"stream": stream, "keys": list(keys)})}


def kept_events(stream: str, *, published: bool) -> Retention:
    """How long events are kept, for the role `bus`: until all who read them have passed them, and for a term.

    `published`: Kafka must have them too before they go.
    """
    return Retention(name="events", of=stream, statement=_PRUNE, values={"stream": stream, "published": published})


@cache
def _read(stream: str) -> str:
    return f"""
        select part, number, before, id, type, version, key, at, legal_date, traceparent, data
          from bus.{quoted(f"read_{stream}")}(:parts, :after, :n, :types)
    """


def _event(stream: str, row: Iterable[Any]) -> Ordered:
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
