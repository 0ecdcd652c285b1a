"""Whom records name beside their subjects: while one does, their key is needed."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from creditmesh.chassis.database.session import Session

Named = tuple[UUID, UUID]
"""Who is named, and by which record."""

INSERTION = """
    insert into ingestion.named (subject, record)
    select distinct * from unnest(cast(:named_subjects as uuid[]), cast(:named_records as uuid[]))
        on conflict do nothing
"""
"""Adds the rows of `values`."""
_COUNT = "select count(*)::integer from ingestion.named where subject = :subject"
_FORGET = """
    delete from ingestion.named n using unnest(cast(:named_subjects as uuid[]), cast(:named_records as uuid[]))
           as u(subject, record)
     where n.subject = u.subject and n.record = u.record
"""


def values(named: Collection[Named]) -> Mapping[str, object]:
    """The values of `INSERTION`."""
    subjects, records = zip(*named, strict=True) if named else ((), ())
    return {"named_subjects": list(subjects), "named_records": list(records)}


async def add(session: Session, named: Collection[Named]) -> None:
    """Keep that these are named; who is kept already stays so."""
    if named:
        await session.execute(INSERTION, values(named))


async def forget(session: Session, named: Sequence[Named]) -> None:
    """These records are deleted, and name nobody."""
    if named:
        await session.execute(_FORGET, values(named))


async def count(session: Session, subject: UUID) -> int:
    """How many records name this person beside their subject."""
    found: int = await session.value(_COUNT, {"subject": subject})
    return found
