"""Quality: verdicts as they were given, and what holders refused of this node's records."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Text, TextClause, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from creditmesh.schemas.verdicts import VERDICTS, VerdictWord


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
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
class Asked:
    """Of which party and items (None: of all), and of which legal dates, both included."""

    party: str | None
    items: Collection[str] | None
    since: date
    until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """How many verdicts of each kind a party got for an item."""

    party: str
    item: str
    counts: Mapping[VerdictWord, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """How many of a party's revisions under an item a holder refused for one reason."""

    party: str
    item: str
    holder: str
    code: str
    count: int


_COLUMNS = Refusal.__slots__
_ADD = text(f"""
    insert into ingestion.refusal ({", ".join(_COLUMNS)}) values ({", ".join(f":{c}" for c in _COLUMNS)})
        on conflict do nothing
""").bindparams(bindparam("record", type_=Uuid))


def _asked(statement: str) -> TextClause:
    where = """
        where w.legal_date between :since and :until
          and (cast(:party as text) is null or w.party = :party)
          and (:items is null or w.item = any(:items))
    """
    return text(statement.format(where=where)).bindparams(bindparam("items", type_=ARRAY(Text)))


_VERDICTS = _asked(f"""
    select w.party, w.item, {", ".join(f"sum(c.{word})::bigint as {word}" for word in VERDICTS)}
      from ingestion.submission w join ingestion.submission_chunk c on c.submission = w.id
      {{where}} group by 1, 2
""")
_REFUSALS = _asked("""
    select w.party, w.item, w.holder, w.code, count(*) as count
      from ingestion.refusal w {where} group by 1, 2, 3, 4 order by 1, 2, 3, 4
""")


async def add(connection: AsyncConnection, refusals: Sequence[Refusal]) -> None:
    """Keep these refusals; one that is there already stays as it is."""
    if refusals:
        values = [{name: getattr(refusal, name) for name in _COLUMNS} for refusal in refusals]
        await connection.execute(_ADD, values)


async def verdicts(connection: AsyncConnection, asked: Asked) -> list[Judged]:
    """The verdicts on what was submitted in that period."""
    rows = await connection.execute(_VERDICTS, _values(asked))
    return [
        Judged(party=row.party, item=row.item, counts={word: getattr(row, word) for word in VERDICTS}) for row in rows
    ]


async def refusals(connection: AsyncConnection, asked: Asked) -> list[Refused]:
    """What holders refused in that period."""
    rows = await connection.execute(_REFUSALS, _values(asked))
    return [Refused(**row) for row in rows.mappings()]


def _values(asked: Asked) -> dict[str, object]:
    items = None if asked.items is None else list(asked.items)
    return {"party": asked.party, "items": items, "since": asked.since, "until": asked.until}
