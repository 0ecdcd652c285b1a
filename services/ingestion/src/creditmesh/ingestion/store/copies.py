"""Where the copies of other nodes' records are, and what was said of records that have none."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from creditmesh.chassis.database.session import Session
from creditmesh.ingestion.store.revisions import Place

_COLUMNS = ("part", "record", "home", "subject", "natural_key")
_HELD = """
    select c.record, c.home, c.subject, c.natural_key
      from unnest(cast(:parts as integer[]), cast(:records as uuid[])) as w(part, record)
     cross join lateral (
        select * from ingestion.copy i where i.part = w.part and i.record = w.record offset 0) c
"""


async def held(session: Session, records: Mapping[UUID, int]) -> dict[UUID, Place]:
    """Where the copies of these records are (each given with the part of its id); those not held are absent."""
    if not records:
        return {}
    rows = await session.fetch(_HELD, {"parts": list(records.values()), "records": list(records)})
    return {record: (home, subject, natural_key) for record, home, subject, natural_key in rows}


async def add(session: Session, begun: Sequence[tuple[int, UUID, Place]]) -> None:
    """These records (each with the part of its id) have copies now, at these places."""
    await session.copy("ingestion.copy", _COLUMNS, [(part, record, *place) for part, record, place in begun])


class EarlyChange(NamedTuple):
    """What a peer said of a record that is not held here: that it ended, or whom it concerns no more, by their role."""

    part: int
    record: UUID
    rev: int
    origin: str
    change: str
    role: str | None


_EARLY = """
    select e.part, e.record, e.rev, e.origin, e.change, e.role
      from unnest(cast(:parts as integer[]), cast(:records as uuid[])) as w(part, record)
     cross join lateral (
        select * from ingestion.early_change i where i.part = w.part and i.record = w.record offset 0) e
"""
_REMEMBER = """
    insert into ingestion.early_change (part, record, rev, origin, change, role)
    select * from unnest(cast(:parts as integer[]), cast(:records as uuid[]), cast(:revs as integer[]),
                         cast(:origins as text[]), cast(:changes as text[]), cast(:roles as text[]))
        on conflict do nothing
"""


async def early(session: Session, records: Mapping[UUID, int]) -> list[EarlyChange]:
    """What was said of these records (each given with the part of its id) when they were not held."""
    if not records:
        return []
    rows = await session.fetch(_EARLY, {"parts": list(records.values()), "records": list(records)})
    return [EarlyChange(*row) for row in rows]


async def remember(session: Session, changes: Sequence[EarlyChange]) -> None:
    """Keep what was said of records that are not held, each once."""
    if changes:
        columns = ("parts", "records", "revs", "origins", "changes", "roles")
        await session.execute(_REMEMBER, dict(zip(columns, zip(*changes, strict=True), strict=True)))
