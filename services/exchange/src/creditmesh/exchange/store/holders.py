"""Who holds what: departments by what they applied, bureaus by what they read; and the revisions they are told of."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from creditmesh.chassis.database.session import Session
from creditmesh.schemas.events.record import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedRevision:
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

    def with_later(self, other: "Reader") -> "Reader":
        """The reader after both accesses: the last one, and the later day of the two answers."""
        days = [each.use_until for each in (self, other) if each.use_until is not None]
        return replace(self, last_access=max(self.last_access, other.last_access), use_until=max(days, default=None))


_TELL = """
    insert into exchange.told (record, rev, subject, change, item, party, at)
    select * from unnest(cast(:records as uuid[]), cast(:revs as integer[]), cast(:subjects as uuid[]),
                         cast(:changes as text[]), cast(:items as text[]), cast(:parties as text[]),
                         cast(:times as timestamptz[]))
        on conflict do nothing
"""
_TOLD = """
    select distinct on (record) record, rev, subject, change, item, party, at from exchange.told
     where record = any(:records) order by record, rev desc
"""
_APPLY = """
    insert into exchange.applied (record, task, party, lifted)
    select * from unnest(cast(:records as uuid[]), cast(:tasks as uuid[]), cast(:parties as text[]),
                         cast(:lifted as boolean[]))
        on conflict (record, task) do update set lifted = excluded.lifted
"""
_APPLIED = """
    select record, task, party, lifted from exchange.applied where record = any(:records) order by party, task
"""
_READ = """
    insert into exchange.reader as known (record, party, last_access, use_until)
    select * from unnest(cast(:records as uuid[]), cast(:parties as text[]), cast(:times as timestamptz[]),
                         cast(:days as date[]))
        on conflict (record, party) do update
       set last_access = greatest(known.last_access, excluded.last_access),
           use_until = greatest(known.use_until, excluded.use_until)
"""
_READERS = """
    select record, party, last_access, use_until from exchange.reader where record = any(:records) order by party
"""


async def tell(session: Session, told: Collection[TrackedRevision]) -> None:
    """Keep these revisions."""
    if told:
        values = {
            "records": [each.record for each in told],
            "revs": [each.rev for each in told],
            "subjects": [each.subject for each in told],
            "changes": [each.change for each in told],
            "items": [each.item for each in told],
            "parties": [each.party for each in told],
            "times": [each.at for each in told],
        }
        await session.execute(_TELL, values)


async def told(session: Session, records: Collection[UUID]) -> dict[UUID, TrackedRevision]:
    """The newest such revision of each of these records that has one."""
    found = [TrackedRevision(**row) for row in await session.fetch(_TOLD, {"records": list(records)})]
    return {each.record: each for each in found}


async def apply(session: Session, applied: Collection[Applied]) -> None:
    """Departments applied measures because of records, or have lifted them; each pair of record and task once."""
    if applied:
        values = {
            "records": [each.record for each in applied],
            "tasks": [each.task for each in applied],
            "parties": [each.party for each in applied],
            "lifted": [each.lifted for each in applied],
        }
        await session.execute(_APPLY, values)


async def applied(session: Session, records: Collection[UUID]) -> list[Applied]:
    """Who applied measures because of these records."""
    return [Applied(**row) for row in await session.fetch(_APPLIED, {"records": list(records)})]


async def read(session: Session, readers: Collection[Reader]) -> None:
    """Bureaus were given these records; each pair of record and bureau once."""
    if readers:
        values = {
            "records": [each.record for each in readers],
            "parties": [each.party for each in readers],
            "times": [each.last_access for each in readers],
            "days": [each.use_until for each in readers],
        }
        await session.execute(_READ, values)


async def readers(session: Session, records: Collection[UUID]) -> list[Reader]:
    """The bureaus that were given these records."""
    return [Reader(**row) for row in await session.fetch(_READERS, {"records": list(records)})]
