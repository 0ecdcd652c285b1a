"""Where the copies of other nodes' records are, and what was said of records that have none."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from creditmesh.chassis.database.session import Session
from creditmesh.ingestion.store import revisions
from creditmesh.ingestion.store.revisions import Place

_COLUMNS = ("part", "record", "home", "subject", "natural_key")
_HELD = """
    select c.record, c.home, c.subject, c.natural_key
      from unnest(cast(:parts as integer[]), cast(:records as uuid[])) as w(part, record)
     cross join lateral (
        select * from ingestion.copy i where i.part = w.part and i.record = w.record offset 0) c
"""

# A record has the id of its first revision.
_SHOWN = """
    select r.part, r.id, newest.item, newest.state
      from (select part, id, record, subject, natural_key, origin from ingestion.revision
             where (part, id) > (:part, :beyond) order by part, id limit :limit) r
      left join lateral (
        select i.item, i.state from ingestion.revision i
         where i.part = r.part and i.subject = r.subject and i.natural_key = r.natural_key
           and r.id = r.record and r.origin = any(cast(:origins as text[]))
         order by i.rev desc limit 1) newest on true
     order by r.part, r.id
"""


async def held(session: Session, records: Mapping[UUID, int]) -> dict[UUID, Place]:
    """Where the copies of these records are (each given with the part of its id); those not held are absent."""
    if not records:
        return {}
    rows = await session.fetch(_HELD, {"parts": list(records.values()), "records": list(records)})
    return {record: (home, subject, natural_key) for record, home, subject, natural_key in rows}


async def astray(session: Session, records: Collection[UUID], *, node: str, parts: int) -> dict[UUID, Place]:
    """Where those of these records stand that are another node's, though nothing says that they are held."""
    found = await revisions.firsts(session, ((part, record) for record in records for part in range(parts)))
    return {
        record: stored.place for record, stored in found.items() if stored.record == record and stored.origin != node
    }


async def shown(
    session: Session, origins: Collection[str], *, after: tuple[int, UUID], limit: int
) -> tuple[list[tuple[UUID, str]], tuple[int, UUID] | None]:
    """Copies of records of these nodes that are shown, with their items, of the next so many revisions by part and id.

    And behind which revision the next are; None: there are none.
    """
    part, beyond = after
    rows = await session.fetch(_SHOWN, {"origins": list(origins), "part": part, "beyond": beyond, "limit": limit})
    last = (rows[-1].part, UUID(bytes=rows[-1].id.bytes)) if len(rows) == limit else None
    return [(row.id, row.item) for row in rows if row.state == "published"], last


async def add(session: Session, begun: Sequence[tuple[int, UUID, Place]]) -> None:
    """These records (each with the part of its id) have copies now, at these places."""
    await session.copy("ingestion.copy", _COLUMNS, [(part, record, *place) for part, record, place in begun])


class EarlyChange(NamedTuple):
    """What a peer said of a record that is not held here: that it ended, or whom it concerns no more, by their role."""

    part: int
    record: UUID
    origin: str
    role: str
    """Empty: it ended or was withheld."""
    first_rev: int
    """The first that came after what was shown, when it was said."""
    last_rev: int


_EARLY = """
    select e.part, e.record, e.origin, e.role, e.first_rev, e.last_rev
      from unnest(cast(:parts as integer[]), cast(:records as uuid[])) as w(part, record)
     cross join lateral (
        select * from ingestion.early_change i where i.part = w.part and i.record = w.record offset 0) e
"""
# In the order of their key, by which two transactions do not wait for each other. What was shown since has the first
# behind it, so that one that was shown itself stands for none that comes after it.
_REMEMBER = """
    with said as (
        select part, record, origin, role, min(rev) as first_rev, max(rev) as last_rev, max(shown) as shown
          from unnest(cast(:parts as integer[]), cast(:records as uuid[]), cast(:origins as text[]),
                      cast(:roles as text[]), cast(:revs as integer[]), cast(:shown as integer[]))
               as w(part, record, origin, role, rev, shown)
         group by part, record, origin, role
    )
    insert into ingestion.early_change as e (part, record, origin, role, first_rev, last_rev)
    select part, record, origin, role, first_rev, last_rev from said order by record, origin, role
        on conflict (record, origin, role, part)
        do update set first_rev = case
            when e.first_rev > (select s.shown from said s where (s.record, s.origin, s.role, s.part)
                                                               = (e.record, e.origin, e.role, e.part))
            then least(e.first_rev, excluded.first_rev) else excluded.first_rev end,
                      last_rev = greatest(e.last_rev, excluded.last_rev)
"""
_FORGET = """
    delete from ingestion.early_change e
     using unnest(cast(:parts as integer[]), cast(:records as uuid[]), cast(:revs as integer[])) as w(part, record, rev)
     where e.part = w.part and e.record = w.record and (w.rev is null or e.last_rev < w.rev)
"""


async def early(session: Session, records: Mapping[UUID, int]) -> list[EarlyChange]:
    """What was said of these records (each given with the part of its id) when they were not held."""
    if not records:
        return []
    rows = await session.fetch(_EARLY, {"parts": list(records.values()), "records": list(records)})
    return [EarlyChange(*row) for row in rows]


async def remember(session: Session, changes: Sequence[tuple[EarlyChange, int]]) -> None:
    """Keep what was said of what is not held: the first and the last of a kind behind what was shown (a revision)."""
    if changes:
        columns = ("parts", "records", "origins", "roles", "revs", "shown")
        rows = [(*change[:5], shown) for change, shown in changes]
        await session.execute(_REMEMBER, dict(zip(columns, zip(*rows, strict=True), strict=True)))


async def forget(session: Session, reached: Sequence[tuple[int, UUID, int | None]]) -> None:
    """Nothing needs what was said before these revisions of these records (each with its part); None: of all."""
    if reached:
        await session.execute(_FORGET, dict(zip(("parts", "records", "revs"), zip(*reached, strict=True), strict=True)))
