"""What this node has refused of its copies of peers' feeds and has not applied since."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from creditmesh.chassis.database.session import Session
from creditmesh.exchange.store.pages import EntryPlace
from creditmesh.schemas.exchange import GONE, STATE_CHANGES, TOLD, WAITING

_AT_ONCE = 50
_MOST_COUNTED = 10_000
_OTHERWISE = [GONE, *WAITING]
WITH_CONTENT = TOLD - STATE_CHANGES | {"discharged"}
"""The changes that holders answer for and that are refused for what they say."""
Revision = tuple[UUID, int]
"""A record and a number of its own."""

_ANSWERED = """
    delete from exchange.refused_entry r
     using unnest(cast(:peers as text[]), cast(:feeds as text[]), cast(:firsts as bigint[]),
                  cast(:untils as bigint[])) as w(peer, feed, first, until)
     where r.peer = w.peer and r.feed = w.feed and r.index >= w.first and r.index < w.until
"""
_ADD = """
    insert into exchange.refused_entry (peer, feed, index, code, seen_to)
    select * from unnest(cast(:peers as text[]), cast(:feeds as text[]), cast(:indices as bigint[]),
                         cast(:codes as text[]), cast(:seen as boolean[]))
"""
_COPIES = """
    select c.peer, c.feed from exchange.copy_head c
     where exists (
        select from exchange.refused_entry r where r.peer = c.peer and r.feed = c.feed and not r.seen_to offset 0)
     order by c.peer, c.feed
"""
_UNSEEN = """
    select index, code from exchange.refused_entry
     where peer = :peer and feed = :feed and not seen_to order by index limit :limit for update
"""
_DONE = """
    delete from exchange.refused_entry where peer = :peer and feed = :feed and index = any(cast(:indices as bigint[]))
"""
# Each by its place, however many others are refused.
_SEEN_TO = """
    update exchange.refused_entry
       set seen_to = true,
           record = (cast(:records as uuid[]))[array_position(cast(:indices as bigint[]), index)],
           rev = (cast(:revs as integer[]))[array_position(cast(:indices as bigint[]), index)]
     where peer = :peer and feed = :feed and index = any(cast(:indices as bigint[]))
"""
_REFUSED = """
    select index from exchange.refused_entry
     where peer = :peer and feed = :feed and index >= :after and code <> :gone order by index limit :limit
"""
_COUNTS = """
    select c.peer, c.feed, r.code, count(*) as many
      from exchange.copy_head c
     cross join lateral (
        select r.code from exchange.refused_entry r
         where r.peer = c.peer and r.feed = c.feed and r.code <> all(cast(:others as text[]))
         order by r.index desc limit :most) r
     group by c.peer, c.feed, r.code order by c.peer, c.feed, r.code
"""
_MARK_ENDED = """
    update exchange.refused_entry set seen_to = false
     where peer = :peer and feed = :feed and index = any(array(
        select r.index from unnest(cast(:records as uuid[]), cast(:revs as integer[])) as w(record, rev)
         cross join lateral (
            select index from exchange.refused_entry
             where peer = :peer and feed = :feed and record = w.record and rev < w.rev and seen_to
             order by rev limit :limit) r))
"""


async def note(
    session: Session,
    ranges: Sequence[tuple[str, str, int, int]],
    refused: Mapping[EntryPlace, str],
    *,
    unseen: Collection[EntryPlace],
) -> None:
    """These ranges (peer, feed, first, until) were judged anew: of them these entries are refused, and no others.

    The unseen ones among them are seen to later, by whoever holds their copy.
    """
    columns = ("peers", "feeds", "firsts", "untils")
    await session.execute(_ANSWERED, dict(zip(columns, zip(*ranges, strict=True), strict=True)))
    if refused:
        peers, feeds, indices = zip(*refused, strict=True)
        values = {"peers": peers, "feeds": feeds, "indices": indices, "codes": list(refused.values())}
        values["seen"] = [place not in unseen for place in refused]
        await session.execute(_ADD, values)


async def refused(session: Session, peer: str, feed: str, *, after: int, limit: int) -> list[int]:
    """The first entries from `after` on that are refused; no such as wait, or as their sender has no more."""
    rows = await session.fetch(_REFUSED, {"peer": peer, "feed": feed, "after": after, "limit": limit, "gone": GONE})
    return [row.index for row in rows]


async def counts(session: Session) -> dict[tuple[str, str], dict[str, int]]:
    """How many entries of each copy (peer and feed) are refused, by code; of very many the newest are counted.

    No such as wait for a newer version, and no such as their sender has no more: nobody can mend these here.
    """
    found: dict[tuple[str, str], dict[str, int]] = {}
    for peer, feed, code, many in await session.fetch(_COUNTS, {"others": _OTHERWISE, "most": _MOST_COUNTED}):
        found.setdefault((peer, feed), {})[code] = many
    return found


async def mark_ended(session: Session, peer: str, feed: str, ends: Mapping[UUID, int], *, limit: int) -> None:
    """See once more to so many of each of these records as were refused before the revision that ended it."""
    if ends:
        wanted = {"peer": peer, "feed": feed, "records": list(ends), "revs": list(ends.values()), "limit": limit}
        await session.execute(_MARK_ENDED, wanted)


async def unseen_copies(session: Session) -> list[tuple[str, str]]:
    """The copies (peer and feed) of which an entry was not seen to."""
    return [tuple(row) for row in await session.fetch(_COPIES)]


async def unseen(session: Session, peer: str, feed: str) -> dict[int, str]:
    """The next entries of a copy to be seen to, with their codes; nobody else does until this transaction ends."""
    wanted = {"peer": peer, "feed": feed, "limit": _AT_ONCE}
    return {row["index"]: row.code for row in await session.fetch(_UNSEEN, wanted)}


async def settle(
    session: Session, peer: str, feed: str, *, done: Collection[int], refused: Mapping[int, Revision | None]
) -> None:
    """Of those that were seen to these are refused no more, and the others are.

    With the revision of each that is to be seen to once more when its record ends.
    """
    copy: dict[str, object] = {"peer": peer, "feed": feed}
    await session.execute(_DONE, copy | {"indices": list(done)})
    records = [None if each is None else each[0] for each in refused.values()]
    revs = [None if each is None else each[1] for each in refused.values()]
    await session.execute(_SEEN_TO, copy | {"indices": list(refused), "records": records, "revs": revs})
