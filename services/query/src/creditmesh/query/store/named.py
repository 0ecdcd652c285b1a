"""Whom records name beside their subjects; a row stays, and the newest revision says whether it names them still."""

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from creditmesh.chassis.database.session import Session
from creditmesh.query.store.records import VISIBLE, ShownRecords, said_by, shown
from creditmesh.schemas.rules.visibility import Law, stored_sql


class NamedPerson(NamedTuple):
    """A person in a record of the part `home`, and whether it concerns them no more."""

    part: int
    subject: UUID
    home: int
    record: UUID
    discharged: bool


_WRITE = """
    insert into query.named as known (part, subject, home, record, discharged)
    select * from unnest(cast(:part as integer[]), cast(:subject as uuid[]), cast(:home as integer[]),
                         cast(:record as uuid[]), cast(:discharged as boolean[]))
        on conflict (subject, record, part) do update set discharged = true
     where excluded.discharged and not known.discharged
"""
_FILE = f"""
    with own as ({VISIBLE})
    select kept from own
    union all
    select row(r.record, r.item, r.kind, said.data)
      from query.named n join query.record r on r.part = n.home and r.record = n.record {said_by("r", part="r.part")}
     where n.part = :part and n.subject = :subject and not n.discharged and {stored_sql("r")}
"""


async def write(session: Session, rows: Collection[NamedPerson]) -> None:
    """Keep whom these records name; each person of a record once. A discharge stays."""
    if rows:
        await session.execute(_WRITE, dict(zip(NamedPerson._fields, map(list, zip(*rows, strict=True)), strict=True)))


_PURGE = """
    delete from query.named n
     using unnest(cast(:part as integer[]), cast(:subject as uuid[]), cast(:record as uuid[]))
           as g(part, subject, record)
     where n.part = g.part and n.subject = g.subject and n.record = g.record and not n.discharged
"""


async def purge(session: Session, gone: Collection[tuple[int, UUID, UUID]]) -> None:
    """Forget that these records (part of the person, person, record) named anybody, but for discharges.

    A record that was deleted may come again, and concerns whom it was ended for no more.
    """
    if gone:
        part, subject, record = zip(*gone, strict=True)
        await session.execute(_PURGE, {"part": part, "subject": subject, "record": record})


async def file_of(session: Session, *, part: int, subject: UUID, law: Law) -> ShownRecords:
    """What is visible on the legal date about a subject, newest period first, then what names them."""
    values = {"part": part, "subject": subject, "items": None, **law.binds}
    found = shown((row.kept for row in await session.fetch(_FILE, values)), law)
    about = [event for event in found.events if event.subject == subject or subject in event.named]
    return found._replace(events=about)
