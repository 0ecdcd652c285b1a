"""Where the copies of other nodes' records are."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import Integer, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from creditmesh.chassis.database.copy import copy
from creditmesh.chassis.database.fetch import fetch
from creditmesh.ingestion.store.revisions import Place

_COLUMNS = ("part", "record", "home", "subject", "natural_key")
_HELD = text("""
    select c.record, c.home, c.subject, c.natural_key from unnest(:parts, :records) as w(part, record)
     cross join lateral (
        select * from ingestion.copy i where i.part = w.part and i.record = w.record offset 0) c
""").bindparams(bindparam("parts", type_=ARRAY(Integer)), bindparam("records", type_=ARRAY(Uuid)))


async def held(connection: AsyncConnection, records: Mapping[UUID, int]) -> dict[UUID, Place]:
    """Where the copies of these records are (each given with the part of its id); those not held are absent."""
    if not records:
        return {}
    rows = await fetch(connection, _HELD, {"parts": list(records.values()), "records": list(records)})
    return {
        UUID(bytes=record.bytes): (home, UUID(bytes=subject.bytes), natural_key)
        for record, home, subject, natural_key in rows
    }


async def add(connection: AsyncConnection, begun: Sequence[tuple[int, UUID, Place]]) -> None:
    """These records (each with the part of its id) have copies now, at these places."""
    if begun:
        await copy(connection, "ingestion.copy", _COLUMNS, [(part, record, *place) for part, record, place in begun])
