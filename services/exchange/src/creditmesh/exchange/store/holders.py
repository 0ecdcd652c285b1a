"""Who holds what: nodes by their acknowledgements, departments by what they applied, bureaus by what they read."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Date, DateTime, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from creditmesh.chassis.database.fetch import fetch
from creditmesh.schemas.events.record import Change

_ACKNOWLEDGED = text("""
    insert into exchange.acknowledgement (feed, by, first, until, data, at)
    values (:feed, :by, :first, :until, :data, :at) on conflict do nothing returning first
""")
_REACH = text("select until from exchange.reach where feed = :feed and node = :node for update")
_REACHED = text("""
    insert into exchange.reach as known (feed, node, until) values (:feed, :node, :until)
        on conflict (feed, node) do update set until = greatest(known.until, excluded.until)
""")
_NODES = text("select node, until from exchange.reach where feed = :feed order by node")


async def add_acknowledgement(
    connection: AsyncConnection, feed: str, *, by: str, first: int, until: int, data: str, at: datetime
) -> bool:
    """Keep what a puller signed; False if it is there already."""
    values = {"feed": feed, "by": by, "first": first, "until": until, "data": data, "at": at}
    return bool(await fetch(connection, _ACKNOWLEDGED, values))


async def reach(connection: AsyncConnection, feed: str, node: str) -> int:
    """How many of a feed's entries a node has answered for."""
    found = await fetch(connection, _REACH, {"feed": feed, "node": node})
    return int(found[0][0]) if found else 0


async def reached(connection: AsyncConnection, feed: str, node: str, *, until: int) -> None:
    """A node has answered for so many; never backwards."""
    await fetch(connection, _REACHED, {"feed": feed, "node": node, "until": until})


async def nodes(connection: AsyncConnection, feed: str) -> dict[str, int]:
    """The nodes that have answered for entries of a feed, and for how many."""
    return {row.node: row.until for row in await connection.execute(_NODES, {"feed": feed})}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A revision of which every holder's answer is kept."""

    record: UUID
    rev: int
    subject: UUID
    change: Change
    item: str
    party: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """A department that applied a measure because of a record."""

    record: UUID
    task: UUID
    party: str
    lifted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A bureau that was given a record."""

    record: UUID
    party: str
    last_access: datetime
    use_until: date | None


_TELL = text("""
    insert into exchange.told (record, rev, subject, change, item, party, at)
    values (:record, :rev, :subject, :change, :item, :party, :at) on conflict do nothing
""").bindparams(bindparam("record", type_=Uuid), bindparam("subject", type_=Uuid))
_TOLD = text("""
    select distinct on (record) record, rev, subject, change, item, party, at from exchange.told
     where record = any(:records) order by record, rev desc
""").bindparams(bindparam("records", type_=ARRAY(Uuid)))
_APPLY = text("""
    insert into exchange.applied (record, task, party, lifted) values (:record, :task, :party, :lifted)
        on conflict (record, task) do update set lifted = excluded.lifted
""").bindparams(bindparam("record", type_=Uuid), bindparam("task", type_=Uuid))
_APPLIED = text("select * from exchange.applied where record = any(:records) order by party, task").bindparams(
    bindparam("records", type_=ARRAY(Uuid))
)
_READ = text("""
    insert into exchange.reader as known (record, party, last_access, use_until)
    select * from unnest(:records, :parties, :times, :days)
        on conflict (record, party) do update
       set last_access = greatest(known.last_access, excluded.last_access),
           use_until = greatest(known.use_until, excluded.use_until)
""").bindparams(
    bindparam("records", type_=ARRAY(Uuid)),
    bindparam("parties", type_=ARRAY(Text)),
    bindparam("times", type_=ARRAY(DateTime(timezone=True))),
    bindparam("days", type_=ARRAY(Date)),
)
_READERS = text("select * from exchange.reader where record = any(:records) order by party").bindparams(
    bindparam("records", type_=ARRAY(Uuid))
)


async def tell(connection: AsyncConnection, told: Sequence[Told]) -> None:
    """Keep these revisions."""
    if told:
        await connection.execute(_TELL, [{name: getattr(each, name) for name in Told.__slots__} for each in told])


async def told(connection: AsyncConnection, records: Collection[UUID]) -> dict[UUID, Told]:
    """The newest such revision of each of these records that has one."""
    rows = await connection.execute(_TOLD, {"records": list(records)})
    found = [Told(**{**row._mapping, **_uuids(row, "record", "subject")}) for row in rows]  # noqa: SLF001
    return {each.record: each for each in found}


async def apply(connection: AsyncConnection, applied: Applied) -> None:
    """A department applied a measure because of a record, or has lifted it."""
    await connection.execute(_APPLY, {name: getattr(applied, name) for name in Applied.__slots__})


async def applied(connection: AsyncConnection, records: Collection[UUID]) -> list[Applied]:
    """Who applied measures because of these records."""
    rows = await connection.execute(_APPLIED, {"records": list(records)})
    return [Applied(**{**row._mapping, **_uuids(row, "record", "task")}) for row in rows]  # noqa: SLF001


async def read(connection: AsyncConnection, readers: Collection[Reader]) -> None:
    """Bureaus were given these records; each pair of record and bureau once."""
    if readers:
        await connection.execute(
            _READ,
            {
                "records": [each.record for each in readers],
                "parties": [each.party for each in readers],
                "times": [each.last_access for each in readers],
                "days": [each.use_until for each in readers],
            },
        )


async def readers(connection: AsyncConnection, records: Collection[UUID]) -> list[Reader]:
    """The bureaus that were given these records."""
    rows = await connection.execute(_READERS, {"records": list(records)})
    return [Reader(**{**row._mapping, **_uuids(row, "record")}) for row in rows]  # noqa: SLF001


def _uuids(row: object, *names: str) -> dict[str, UUID]:
    # The driver's own class is a UUID to everybody but the JSON writer.
    return {name: UUID(bytes=getattr(row, name).bytes) for name in names}
