"""What this node has refused of its copies of peers' feeds and has not applied since."""

from collections.abc import Mapping, Sequence

from creditmesh.chassis.database.session import Session
from creditmesh.exchange.store.pages import EntryPlace

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
     where peer = :peer and feed = :feed and index >= :after order by index limit :limit
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
    """The first entries from `after` on that are refused; no such as wait."""
    rows = await session.fetch(_REFUSED, {"peer": peer, "feed": feed, "after": after, "limit": limit})
    return [row.index for row in rows]
