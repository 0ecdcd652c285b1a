"""Held rows that nobody decided: after the term of their item they are refused, and what they said is deleted."""

from collections.abc import Mapping
from datetime import date, datetime

from creditmesh.chassis.database.session import Session
from creditmesh.schemas.rules.retention import RetentionTerm

NOTE = "Nobody decided it within its term; what it said is deleted. 期限内未审核，内容已删除。"
# Whoever is deciding one just now has it locked.
_EXPIRE = """
    update ingestion.review
       set state = 'refused', verdict = 'refused', note = :note, decided_at = :at, sealed = '[]'
     where id in (
           select v.id from ingestion.review v
             join unnest(cast(:items as text[]), cast(:versions as integer[]), cast(:months as integer[]))
                  as term(item, version, months) on term.item = v.item and term.version = v.item_version
            where v.state = 'held' and v.legal_date + make_interval(months => term.months) <= cast(:as_of as date)
            order by v.id limit :most for update of v skip locked)
    returning id
"""


async def expire(session: Session, terms: Mapping[str, RetentionTerm], *, as_of: date, at: datetime, most: int) -> int:
    """Refuse and blank at most so many held rows whose term is over, counted from the day they were held: how many."""
    listed = [(item, version, months) for item, term in terms.items() for version, months in term.months.items()]
    values = {
        "items": [item for item, _, _ in listed],
        "versions": [version for _, version, _ in listed],
        "months": [months for _, _, months in listed],
        "as_of": as_of, "at": at, "most": most, "note": NOTE,
    }  # fmt: skip
    return len(await session.fetch(_EXPIRE, values))
