"""The entries that stay of erasures: who erased how much, when and why, and what became of the keys."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from creditmesh.chassis.database.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """The entry that stays of one: it says of nobody."""

    id: UUID
    at: datetime
    legal_date: date
    officer: str
    ground: str
    basis: str
    records: int
    held_rows: int
    elsewhere: str
    """JSON: how many records about the person which other node had sent."""
    named_in: int | None
    """None: ordered before this was written down."""


class ErasedRecord(NamedTuple):
    """A record that was erased, and by which revision."""

    record: UUID
    rev: int
    item: str
    party: str
    deleted: bool = False


# Of whose key it is asked stays here until the key is destroyed. What is on its way out needs it no more.
_NEEDED = """
    select exists (select from ingestion.revision r where r.part = c.part and r.subject = c.subject
                      and not exists (select from ingestion.erasing e where e.part = r.part and e.subject = r.subject
                                         and e.natural_key = r.natural_key))
        or exists (select from ingestion.named n where n.subject = c.subject
                      and not exists (select from ingestion.erasing e where e.record = n.record))
        or exists (select from ingestion.review v where v.subject = c.subject and v.sealed <> '[]')
        or exists (select from ingestion.erasure_answer a
                    where a.kind = 'department' and not a.settled
                      and (a.record = any(c.records)
                           or a.record in (select w.record from ingestion.erased_record w where w.erasure = :erasure))
           ) as needed
      from ingestion.closing c where cast(:erasure as uuid) = any(c.erasures)
"""
_KEEP = f"""
    insert into ingestion.erasure ({", ".join(Erasure.__slots__)})
    values ({", ".join(f":{name}" for name in Erasure.__slots__)})
"""
_KEEP_RECORDS = """
    insert into ingestion.erased_record (erasure, record, rev, item, party)
    select :erasure, * from unnest(cast(:records as uuid[]), cast(:revs as integer[]), cast(:items as text[]),
                                   cast(:parties as text[]))
"""
_ERASURES = """
    select * from ingestion.erasure where (cast(:id as uuid) is null or id = :id) order by id desc limit :limit
"""
_RECORDS = """
    select e.record, e.rev, e.item, e.party,
           not exists (select from ingestion.erasing w where w.record = e.record) as deleted
      from ingestion.erased_record e where e.erasure = :erasure order by e.record
"""


async def keep(session: Session, erasure: Erasure, erased: Sequence[ErasedRecord]) -> None:
    """Write down an erasure."""
    await session.execute(_KEEP, asdict(erasure))
    records, revs, items, parties, _ = zip(*erased, strict=True) if erased else ((), (), (), (), ())
    columns = {"records": list(records), "revs": list(revs), "items": list(items), "parties": list(parties)}
    await session.execute(_KEEP_RECORDS, {"erasure": erasure.id, **columns})


async def erasures(session: Session, *, id_: UUID | None = None, limit: int = 100) -> list[Erasure]:
    """The newest erasures, or the one of that id."""
    return [Erasure(**row) for row in await session.fetch(_ERASURES, {"id": id_, "limit": limit})]


async def erased_records(session: Session, erasure: UUID) -> list[ErasedRecord]:
    """What was erased by one, and whether it is deleted here."""
    return [ErasedRecord(*row) for row in await session.fetch(_RECORDS, {"erasure": erasure})]


async def needed_keys(session: Session, erasure: UUID) -> list[bool]:
    """Of each key of an erasure's person that is not destroyed, whether anything needs it."""
    return [row.needed for row in await session.fetch(_NEEDED, {"erasure": erasure})]
