"""Cases about records of this node that are still to be decided, as repair tells of them."""

from collections.abc import Mapping
from uuid import UUID

from creditmesh.chassis.database.session import Session

_BEGIN = """
    insert into ingestion.undecided (case_id, record)
    select * from unnest(cast(:cases as uuid[]), cast(:records as uuid[])) on conflict do nothing
"""
_END = "delete from ingestion.undecided where case_id = any(:cases)"


async def begin(session: Session, cases: Mapping[UUID, UUID]) -> None:
    """These cases, each with its record, are to be decided."""
    if cases:
        await session.execute(_BEGIN, {"cases": list(cases), "records": list(cases.values())})


async def end(session: Session, cases: list[UUID]) -> None:
    """Nothing is to be decided in these."""
    if cases:
        await session.execute(_END, {"cases": cases})
