"""Where the copies of other nodes' records are."""

from collections.abc import Mapping, Sequence
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
