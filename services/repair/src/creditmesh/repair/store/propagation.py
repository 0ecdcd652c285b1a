"""Who was told of a revision, and what each said: one line a holder, the newest outcome."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, DateTime, Integer, LargeBinary, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from creditmesh.schemas.events import HolderChanged

_TYPES: dict[str, Any] = {
    "part": Integer,
    "record": Uuid,
    "rev": Integer,
    "holder": Text,
    "kind": Text,
    "settled": Boolean,
    "at": DateTime(timezone=True),
    "data": LargeBinary,
}
# An answer stands over "on its way", whichever came first; of two alike the later.
_UPSERT = text(f"""
    insert into repair.propagation as known ({", ".join(_TYPES)})
    select * from unnest({", ".join(f":{name}" for name in _TYPES)})
        on conflict (record, rev, holder, part) do update
       set kind = excluded.kind, settled = excluded.settled, at = excluded.at, data = excluded.data
     where (known.settled, known.at) < (excluded.settled, excluded.at)
""").bindparams(*(bindparam(name, type_=ARRAY(type_)) for name, type_ in _TYPES.items()))
_LINES = text("""
    select data from repair.propagation where part = :part and record = :record and rev = :rev order by kind, holder
""").bindparams(bindparam("record", type_=Uuid))


def settled(event: HolderChanged) -> bool:
    """Whether the holder has answered."""
    return event.outcome in {"acknowledged", "refused"}


async def write(connection: AsyncConnection, lines: Sequence[tuple[int, HolderChanged]]) -> None:
    """Keep these lines with their parts, where they say more than what is known; each line once."""
    if not lines:
        return
    rows = [
        (part, e.record, e.rev, e.holder, e.kind, settled(e), e.at, e.model_dump_json().encode()) for part, e in lines
    ]
    columns = zip(_TYPES, map(list, zip(*rows, strict=True)), strict=True)
    await connection.execute(_UPSERT, dict(columns))


async def lines_of(connection: AsyncConnection, *, part: int, record: UUID, rev: int) -> list[HolderChanged]:
    """How each holder stands to this revision of the record."""
    found = await connection.scalars(_LINES, {"part": part, "record": record, "rev": rev})
    return [HolderChanged.model_validate_json(data) for data in found]
