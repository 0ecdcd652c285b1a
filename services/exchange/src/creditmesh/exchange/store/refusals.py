"""What this node has refused of its copies of peers' feeds and has not applied since."""

from collections.abc import Collection, Mapping, Sequence

from creditmesh.chassis.database.session import Session
from creditmesh.exchange.store.pages import EntryPlace
from creditmesh.schemas.exchange import NOT_JUDGED

_AT_ONCE = 50

_ANSWERED = """
    delete from exchange.refused_entry r
     using unnest(cast(:peers as text[]), cast(:feeds as text[]), cast(:firsts as bigint[]),
                  cast(:untils as bigint[])) as w(peer, feed, first, until)
     where r.peer = w.peer and r.feed = w.feed and r.index >= w.first and r.index < w.until
"""
_ADD = f"""
    insert into exchange.refused_entry (peer, feed, index, code, seen_to)
    select w.*, w.code <> '{NOT_JUDGED}'
      from unnest(cast(:peers as text[]), cast(:feeds as text[]), cast(:indices as bigint[]),
                  cast(:codes as text[])) as w(peer, feed, index, code)
"""
_FIRST_UNJUDGED = "select peer, feed from exchange.refused_entry where not seen_to order by peer, feed, index limit 1"
_UNJUDGED = """
    select index from exchange.refused_entry
     where peer = :peer and feed = :feed and not seen_to order by index limit :limit for update
"""
_DONE = """
    delete from exchange.refused_entry where peer = :peer and feed = :feed and index = any(cast(:indices as bigint[]))
"""
_SEEN_TO = """
    update exchange.refused_entry set seen_to = true
     where peer = :peer and feed = :feed and index = any(cast(:indices as bigint[]))
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


async def first_unjudged(session: Session) -> tuple[str, str] | None:
    """The copy (peer and feed) of the next entry that could not be judged and was not seen to; None: there is none."""
    rows = await session.fetch(_FIRST_UNJUDGED)
    return (rows[0].peer, rows[0].feed) if rows else None


async def unjudged(session: Session, peer: str, feed: str) -> list[int]:
    """The next entries of a copy that could not be judged; nobody else sees to them until this transaction ends."""
    wanted = {"peer": peer, "feed": feed, "limit": _AT_ONCE}
    return [row["index"] for row in await session.fetch(_UNJUDGED, wanted)]


async def settle(session: Session, peer: str, feed: str, *, done: Collection[int], refused: Collection[int]) -> None:
    """Of those that could not be judged these wait or need not be judged, and the others are refused."""
    copy: dict[str, object] = {"peer": peer, "feed": feed}
    await session.execute(_DONE, copy | {"indices": list(done)})
    await session.execute(_SEEN_TO, copy | {"indices": list(refused)})
