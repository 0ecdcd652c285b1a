"""What this node has refused of its copies of peers' feeds and has not applied since."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from creditmesh.chassis.database.session import Session
from creditmesh.exchange.store.pages import EntryPlace
from creditmesh.schemas.exchange import GONE, HIDING, OF_SENDER, STATE_CHANGES, TOLD

_WITH_CONTENT = TOLD - STATE_CHANGES | {"discharged"}
"""The changes that holders answer for and that are refused for what they say."""

_ANSWERED = """
    delete from exchange.refused_entry r
     using unnest(cast(:peers as text[]), cast(:feeds as text[]), cast(:firsts as bigint[]),
                  cast(:untils as bigint[])) as w(peer, feed, first, until)
     where r.peer = w.peer and r.feed = w.feed and r.index >= w.first and r.index < w.until
"""
_ADD = """
    insert into exchange.refused_entry (peer, feed, index, code)
    select * from unnest(cast(:peers as text[]), cast(:feeds as text[]), cast(:indices as bigint[]),
                         cast(:codes as text[]))
"""
_REFUSED = """
    select index from exchange.refused_entry
     where peer = :peer and feed = :feed and index >= :after and code <> :gone order by index limit :limit
"""
# What is known of a record is read once, however often it ended.
_TAKE_ENDED = """
    with ended as (
        select record, max(rev) as rev from exchange.sent_revision
         where record = any(cast(:records as uuid[])) and peer = :peer and change = any(cast(:hiding as text[]))
         group by record
    )
    delete from exchange.refused_entry r
     using ended e join exchange.sent_revision s on s.record = e.record and s.peer = :peer and s.rev < e.rev
     where s.change = any(cast(:answered as text[])) and r.peer = :peer and r.feed = :feed and r.index = s.index
       and r.code <> all(cast(:of_sender as text[]))
    returning r.index
"""


async def note(
    session: Session, ranges: Sequence[tuple[str, str, int, int]], refused: Mapping[EntryPlace, str]
) -> None:
    """These ranges (peer, feed, first, until) were judged anew: of them these entries are refused, and no others."""
    columns = ("peers", "feeds", "firsts", "untils")
    await session.execute(_ANSWERED, dict(zip(columns, zip(*ranges, strict=True), strict=True)))
    if refused:
        peers, feeds, indices = zip(*refused, strict=True)
        values = {"peers": peers, "feeds": feeds, "indices": indices, "codes": list(refused.values())}
        await session.execute(_ADD, values)


async def refused(session: Session, peer: str, feed: str, *, after: int, limit: int) -> list[int]:
    """The first entries from `after` on that are refused; no such as wait, or as their sender has no more."""
    rows = await session.fetch(_REFUSED, {"peer": peer, "feed": feed, "after": after, "limit": limit, "gone": GONE})
    return [row.index for row in rows]


async def take_ended(session: Session, peer: str, feed: str, records: Collection[UUID]) -> list[int]:
    """What was refused of these records before they ended, of changes that holders answer for; it is so no more.

    What was refused for who sends it stays so: that concerns its end as well.
    """
    wanted = {"peer": peer, "feed": feed, "records": list(records), "hiding": sorted(HIDING)}
    wanted |= {"answered": sorted(_WITH_CONTENT), "of_sender": sorted(OF_SENDER)}
    return sorted(row.index for row in await session.fetch(_TAKE_ENDED, wanted))
