"""Held rows that nobody decided: after the term of their item what they said is deleted."""

from collections.abc import Mapping
from datetime import date, datetime

from creditmesh.chassis.database.session import Session
from creditmesh.ingestion.store.terms import given, kept_sql
from creditmesh.schemas.rules.retention import RetentionTerm

# Whoever is deciding one just now has it locked.
_EXPIRE = f"""
    update ingestion.review set state = 'expired', decided_at = :at, sealed = '[]'
     where id in (
           select v.id from ingestion.review v
            cross join lateral {kept_sql("v.legal_date", "v.item", "v.item_version")} kept
            where v.state = 'held' and kept.over <= cast(:as_of as date)
            order by v.id limit :most for update of v skip locked)
"""


async def expire(session: Session, terms: Mapping[str, RetentionTerm], *, as_of: date, at: datetime, most: int) -> int:
    """Blank at most so many held rows whose term is over, counted from the day they were held: how many."""
    values = {"terms": given(terms), "as_of": as_of, "at": at, "most": most}
    return await session.execute(_EXPIRE, values)
