"""How holders stand to the end of records that were erased here: kept beside the entry that stays."""

from collections.abc import Collection, Sequence
from uuid import UUID

from creditmesh.chassis.database.session import Session
from creditmesh.schemas.events import HolderChanged

_WRITE = """
    insert into ingestion.erasure_answer as a (record, rev, holder, kind, settled, said)
    select * from unnest(cast(:records as uuid[]), cast(:revs as integer[]), cast(:holders as text[]),
                         cast(:kinds as text[]), cast(:settled as boolean[]), cast(:said as text[]))
        on conflict (record, rev, holder) do update set settled = excluded.settled, said = excluded.said
     where excluded.settled or not a.settled
"""
_OF = "select record, said from ingestion.erasure_answer where record = any(cast(:records as uuid[])) order by holder"
_NOBODY = UUID(int=0)


async def write(session: Session, told: Sequence[HolderChanged]) -> None:
    """Keep how these stand, without whose record it was; what was answered is not undone by what was on its way."""
    newest = {(each.record, each.rev, each.holder): each for each in sorted(told, key=_settled)}
    if newest:
        columns = {
            "records": [each.record for each in newest.values()],
            "revs": [each.rev for each in newest.values()],
            "holders": [each.holder for each in newest.values()],
            "kinds": [each.kind for each in newest.values()],
            "settled": [_settled(each) for each in newest.values()],
            "said": [each.model_copy(update={"subject": _NOBODY}).model_dump_json() for each in newest.values()],
        }
        await session.execute(_WRITE, columns)


async def answers_of(session: Session, records: Collection[UUID]) -> list[HolderChanged]:
    """How holders stand to these records."""
    rows = await session.fetch(_OF, {"records": list(records)})
    return [HolderChanged.model_validate_json(row.said) for row in rows]


def _settled(told: HolderChanged) -> bool:
    return told.outcome in {"acknowledged", "refused"}
