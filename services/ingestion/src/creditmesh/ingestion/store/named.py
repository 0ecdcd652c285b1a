"""Whom records, and rows that wait for an officer, name beside their subjects: while one does, their key is needed.

Rows go with the record, or the held row, by the schema's own doing, whoever deletes or decides it.
"""

from collections.abc import Collection, Mapping
from uuid import UUID

from creditmesh.chassis.database.session import Session

Named = tuple[UUID, UUID]
"""Who is named, and by which record, or held row."""

INSERTION = """
    insert into ingestion.named (subject, record)
    select distinct * from unnest(cast(:named_subjects as uuid[]), cast(:named_records as uuid[]))
        on conflict do nothing
"""
"""Adds the rows of `values`."""
_COUNT = "select count(distinct record)::integer from ingestion.named where subject = any(cast(:subjects as uuid[]))"


def values(named: Collection[Named]) -> Mapping[str, object]:
    """The values of `INSERTION`."""
    subjects, records = zip(*named, strict=True) if named else ((), ())
    return {"named_subjects": list(subjects), "named_records": list(records)}


async def add(session: Session, named: Collection[Named]) -> None:
    """Keep that these are named; who is kept already stays so."""
    if named:
        await session.execute(INSERTION, values(named))


async def count(session: Session, person: Collection[UUID]) -> int:
    """How many records and held rows name this person beside their subject."""
    found: int = await session.value(_COUNT, {"subjects": list(person)})
    return found
