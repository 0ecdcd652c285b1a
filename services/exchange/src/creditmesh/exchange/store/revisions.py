"""Where in which peer's feed each revision stands first: its answers go there."""

from collections.abc import Collection, Sequence
from uuid import UUID

from creditmesh.chassis.database.session import Session

_NOTE_SENT = """
    insert into exchange.sent_revision (record, rev, peer, index)
    select record, rev, peer, min(index)
      from unnest(cast(:records as uuid[]), cast(:revs as integer[]), cast(:peers as text[]),
                  cast(:indices as bigint[])) as w(record, rev, peer, index)
     group by record, rev, peer order by record, rev, peer
        on conflict do nothing
"""
_SENT_BY_CHILDREN = """
    select s.record, s.rev, s.peer, s.index
      from unnest(cast(:records as uuid[]), cast(:revs as integer[])) as w(record, rev)
      join exchange.sent_revision s on s.record = w.record and s.rev = w.rev
"""
_LATER = """
    select index from exchange.sent_revision
     where record = any(cast(:records as uuid[])) and peer = :peer and index >= :after
"""


async def note_sent(session: Session, revisions: Sequence[tuple[UUID, int, str, int]]) -> None:
    """Remember where in which peer's feed each revision stands first: (record, rev, peer, index)."""
    if revisions:
        columns = ("records", "revs", "peers", "indices")
        await session.execute(_NOTE_SENT, dict(zip(columns, zip(*revisions, strict=True), strict=True)))


async def sent_by_children(session: Session, revisions: Sequence[tuple[UUID, int]]) -> list[tuple[UUID, int, str, int]]:
    """Which peers' feeds have these revisions and where first, whoever may send them: (record, rev, peer, index)."""
    given = {"records": [record for record, _ in revisions], "revs": [rev for _, rev in revisions]}
    return [tuple(row) for row in await session.fetch(_SENT_BY_CHILDREN, given)] if revisions else []


async def later(session: Session, peer: str, records: Collection[UUID], *, after: int) -> set[int]:
    """Where in the peer's feed revisions of these records stand, from `after` on."""
    wanted = {"peer": peer, "records": list(records), "after": after}
    return {row.index for row in await session.fetch(_LATER, wanted)}
