"""Entries of peers' feeds that wait for a version of this node which can use what they say.

How many they are, and what they say, stands with the copy: whoever holds its head is alone with what waits of it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from creditmesh.chassis.database.session import Session

UNJUDGED = "not judged"
"""What is said of an entry that this node could not judge."""
_MOST_WORDS = 20
"""What the entries of a copy say is named so many times; a sender may have more words than anybody reads."""


@dataclass(frozen=True, slots=True)
class WaitingEntry:
    """A row of a copy: where the entry is, what it waits for, and the record it is about where it says so."""

    index: int
    unknown: str
    record: UUID | None = None
    unsaid: bool = False
    """Whether it began to wait under a version that did not tell of it that it does."""


_HOLD = "select waiting from exchange.copy_head where peer = :peer and feed = :feed for update"
_FOLLOWING = """
    select index, unknown, record, unsaid from exchange.waiting
     where peer = :peer and feed = :feed and index >= :first order by index limit :limit
"""
_RECORDS = """
    select distinct record from exchange.waiting
     where peer = :peer and feed = :feed and record = any(cast(:records as uuid[]))
"""
_NOT_JUDGED = """
    select count(*) from exchange.waiting where peer = :peer and feed = :feed and unknown = :unknown
"""
_ADD = """
    with added as (
        insert into exchange.waiting (peer, feed, index, unknown, record)
        select :peer, :feed, w.* from unnest(cast(:indices as bigint[]), cast(:unknown as text[]),
                                             cast(:records as uuid[])) as w(index, unknown, record)
            on conflict do nothing returning unknown
    ), said as (
        select count(*)::int as waiting, array_agg(distinct unknown) as unknown from added
    )
    update exchange.copy_head c
       set waiting = c.waiting + said.waiting,
           unknown = array(select distinct word from unnest(c.unknown || said.unknown) word order by word limit :most)
      from said where c.peer = :peer and c.feed = :feed and said.waiting > 0
"""
_REMOVE = "delete from exchange.waiting where peer = :peer and feed = :feed and index = any(:indices)"
_COUNT = """
    update exchange.copy_head c
       set waiting = (select count(*) from exchange.waiting where peer = :peer and feed = :feed),
           unknown = array(select distinct unknown from exchange.waiting where peer = :peer and feed = :feed
                            order by unknown limit :most)
     where c.peer = :peer and c.feed = :feed
"""


async def hold(session: Session, peer: str, feed: str) -> int:
    """How many wait of a copy; until this transaction ends nobody else adds to them, or tells one."""
    rows = await session.fetch(_HOLD, {"peer": peer, "feed": feed})
    return rows[0].waiting if rows else 0


async def following(session: Session, peer: str, feed: str, *, first: int, limit: int) -> list[WaitingEntry]:
    """The next that wait of a copy, from that index on."""
    wanted = {"peer": peer, "feed": feed, "first": first, "limit": limit}
    return [WaitingEntry(*row) for row in await session.fetch(_FOLLOWING, wanted)]


async def waiting_records(session: Session, peer: str, feed: str, records: Collection[UUID]) -> set[UUID | None]:
    """Those of these records of which something waits."""
    wanted = {"peer": peer, "feed": feed, "records": list(records)}
    return {row.record for row in await session.fetch(_RECORDS, wanted)}


async def not_judged(session: Session, peer: str, feed: str) -> int:
    """How many of a copy wait because they could not be judged."""
    found: int = await session.value(_NOT_JUDGED, {"peer": peer, "feed": feed, "unknown": UNJUDGED})
    return found


async def add(session: Session, peer: str, feed: str, entries: Sequence[WaitingEntry]) -> None:
    """These wait, each once."""
    if entries:
        indices, unknown, records = zip(*((each.index, each.unknown, each.record) for each in entries), strict=True)
        values = {"indices": indices, "unknown": unknown, "records": records, "most": _MOST_WORDS}
        await session.execute(_ADD, {"peer": peer, "feed": feed, **values})


async def remove(session: Session, peer: str, feed: str, indices: Sequence[int]) -> None:
    """These wait no more; they are counted still, until `count`."""
    if indices:
        await session.execute(_REMOVE, {"peer": peer, "feed": feed, "indices": indices})


async def count(session: Session, peer: str, feed: str) -> None:
    """Count what waits of a copy, and what it says."""
    await session.execute(_COUNT, {"peer": peer, "feed": feed, "most": _MOST_WORDS})
