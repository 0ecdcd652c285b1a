"""Quality: verdicts as they were given, and what holders refused of this node's records."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from creditmesh.chassis.database.session import Session
from creditmesh.schemas.reasons.entries import OF_NODES
from creditmesh.schemas.verdicts import VERDICTS, VerdictWord


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderRefusal:
    """One revision that a holder refused."""

    record: UUID
    rev: int
    holder: str
    party: str
    item: str
    code: str
    at: datetime
    legal_date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityFilter:
    """Of which party and items (None: of all), and of which legal dates, both included."""

    party: str | None
    items: Collection[str] | None
    since: date
    until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictCount:
    """How many verdicts of each kind a party got for an item."""

    party: str
    item: str
    counts: Mapping[VerdictWord, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalCount:
    """How many of a party's revisions under an item a holder refused for one reason."""

    party: str
    item: str
    holder: str
    code: str
    count: int


_COLUMNS = HolderRefusal.__slots__
_ADD = """
    insert into ingestion.refusal (record, rev, holder, party, item, code, at, legal_date)
    select * from unnest(
        cast(:record as uuid[]), cast(:rev as integer[]), cast(:holder as text[]), cast(:party as text[]),
        cast(:item as text[]), cast(:code as text[]), cast(:at as timestamptz[]), cast(:legal_date as date[]))
        on conflict do nothing
"""
_WHERE = """
    where w.legal_date between :since and :until
      and (cast(:party as text) is null or w.party = :party)
      and (cast(:items as text[]) is null or w.item = any(:items))
"""
_VERDICTS = f"""
    select w.party, w.item, {", ".join(f"sum(c.{word})::bigint as {word}" for word in VERDICTS)}
      from ingestion.submission w join ingestion.submission_chunk c on c.submission = w.id
      {_WHERE} group by 1, 2
"""
_REFUSALS = f"""
    select w.party, w.item, w.holder, w.code, count(*) as count
      from ingestion.refusal w {_WHERE} and w.code <> all(cast(:unseen as text[]))
     group by 1, 2, 3, 4 order by 1, 2, 3, 4
"""


async def add(session: Session, refusals: Sequence[HolderRefusal]) -> None:
    """Keep these refusals; one that is there already stays as it is."""
    if refusals:
        await session.execute(_ADD, {name: [getattr(each, name) for each in refusals] for name in _COLUMNS})


async def verdicts(session: Session, asked: QualityFilter) -> list[VerdictCount]:
    """The verdicts on what was submitted in that period."""
    return [
        VerdictCount(party=row.party, item=row.item, counts={word: row[word] for word in VERDICTS})
        for row in await session.fetch(_VERDICTS, _values(asked))
    ]


async def refusals(session: Session, asked: QualityFilter) -> list[RefusalCount]:
    """What holders refused in that period, but for what no party can mend."""
    rows = await session.fetch(_REFUSALS, {**_values(asked), "unseen": list(OF_NODES)})
    return [RefusalCount(**row) for row in rows]


def _values(asked: QualityFilter) -> dict[str, object]:
    items = None if asked.items is None else list(asked.items)
    return {"party": asked.party, "items": items, "since": asked.since, "until": asked.until}
