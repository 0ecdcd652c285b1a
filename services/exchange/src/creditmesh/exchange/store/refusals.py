"""What this node has refused of its copies of peers' feeds and has not applied since."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from creditmesh.chassis.database.session import Session
from creditmesh.exchange.store.pages import EntryPlace
from creditmesh.schemas.exchange import GONE, HIDING, OF_SENDER, STATE_CHANGES, TOLD

_AT_ONCE = 50
_WITH_CONTENT = TOLD - STATE_CHANGES | {"discharged"}
"""The changes that holders answer for and that are refused for what they say."""

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
_FIRST_UNSEEN = "select peer, feed from exchange.refused_entry where not seen_to order by peer, feed, index limit 1"
_UNSEEN = """
    select index, code from exchange.refused_entry
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


async def take_ended(session: Session, peer: str, feed: str, records: Collection[UUID]) -> list[int]:
    """What was refused of these records before they ended, of changes that holders answer for; it is so no more.

    What was refused for who sends it stays so: that concerns its end as well.
    """
    wanted = {"peer": peer, "feed": feed, "records": list(records), "hiding": sorted(HIDING)}
    wanted |= {"answered": sorted(_WITH_CONTENT), "of_sender": sorted(OF_SENDER)}
    return sorted(row.index for row in await session.fetch(_TAKE_ENDED, wanted))


async def first_unseen(session: Session) -> tuple[str, str] | None:
    """The copy (peer and feed) of the next entry that was not seen to; None: there is none."""
    rows = await session.fetch(_FIRST_UNSEEN)
    return (rows[0].peer, rows[0].feed) if rows else None


async def unseen(session: Session, peer: str, feed: str) -> dict[int, str]:
    """The next entries of a copy to be seen to, with their codes; nobody else does until this transaction ends."""
    wanted = {"peer": peer, "feed": feed, "limit": _AT_ONCE}
    return {row["index"]: row.code for row in await session.fetch(_UNSEEN, wanted)}


async def settle(session: Session, peer: str, feed: str, *, done: Collection[int], refused: Collection[int]) -> None:
    """Of those that were seen to these wait, and the others are refused."""
    copy: dict[str, object] = {"peer": peer, "feed": feed}
    await session.execute(_DONE, copy | {"indices": list(done)})
    await session.execute(_SEEN_TO, copy | {"indices": list(refused)})
