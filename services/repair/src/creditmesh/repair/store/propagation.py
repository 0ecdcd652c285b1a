"""Who was told of a revision, and what each said: one line a holder, the newest outcome."""

from collections.abc import Sequence
from uuid import UUID

from creditmesh.chassis.database.session import Session
from creditmesh.schemas.events import HolderChanged

_COLUMNS = ("part", "record", "rev", "holder", "kind", "settled", "at", "data")
# Of departments their newest line stands: one that has lifted a measure may be known to have applied another. Of others
# that it was applied stands over all else, whichever came first; of two alike the later.
_UPSERT = f"""
    insert into repair.propagation as known ({", ".join(_COLUMNS)})
    select * from unnest(
           cast(:part as integer[]), cast(:record as uuid[]), cast(:rev as integer[]), cast(:holder as text[]),
           cast(:kind as text[]), cast(:settled as boolean[]), cast(:at as timestamptz[]), cast(:data as bytea[]))
        on conflict (record, rev, holder, part) do update
       set kind = excluded.kind, settled = excluded.settled, at = excluded.at, data = excluded.data
     where excluded.kind = 'department' or (known.settled, known.at) < (excluded.settled, excluded.at)
"""
_LINES = """
    select data from repair.propagation where part = :part and record = :record and rev = :rev order by kind, holder
"""


def stands_over(event: HolderChanged, known: HolderChanged) -> bool:
    """Whether a line is what is kept of its holder, of whom another came before it."""
    return event.kind == "department" or (_settled(event), event.at) > (_settled(known), known.at)


def _settled(event: HolderChanged) -> bool:
    return event.outcome == "acknowledged"


async def write(session: Session, lines: Sequence[tuple[int, HolderChanged]]) -> None:
    """Keep these lines with their parts, where they say more than what is known; each line once."""
    if not lines:
        return
    rows = [
        (part, e.record, e.rev, e.holder, e.kind, _settled(e), e.at, e.model_dump_json().encode()) for part, e in lines
    ]
    await session.execute(_UPSERT, dict(zip(_COLUMNS, zip(*rows, strict=True), strict=True)))


async def lines_of(session: Session, *, part: int, record: UUID, rev: int) -> list[HolderChanged]:
    """How each holder stands to this revision of the record."""
    found = await session.fetch(_LINES, {"part": part, "record": record, "rev": rev})
    return [HolderChanged.model_validate_json(row.data) for row in found]
