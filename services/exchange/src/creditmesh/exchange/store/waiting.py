"""Entries of peers' feeds that wait for a version of this node which can use what they say.

How many they are, and what they say, stands with the copy: whoever holds its head is alone with what waits of it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from creditmesh.chassis.database.session import Session
from creditmesh.schemas.exchange import MOST_WAITING
from creditmesh.schemas.received import BEHIND

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
    origin: str | None = None
    """Whose record it is, where it could not be judged."""


class FirstWaiting(NamedTuple):
    """The first entry of a record that waits."""

    place: int
    judged: bool
    """Whether ingestion has heard that it waits."""


_HOLD = "select waiting from exchange.copy_head where peer = :peer and feed = :feed for update"
_THOSE = """
    select index from exchange.waiting
     where peer = :peer and feed = :feed and index = any(cast(:indices as bigint[]))
"""
_FOLLOWING = """
    select index, unknown, record, unsaid from exchange.waiting
     where peer = :peer and feed = :feed and index >= :first order by index limit :limit
"""
_RECORDS = """
    select distinct record from exchange.waiting
     where peer = :peer and feed = :feed and record = any(cast(:records as uuid[]))
"""
_FIRSTS = """
    select w.record, w.index,
           exists (select from exchange.acknowledgement_made m
                    where m.peer = :peer and m.feed = :feed and m.first > w.index - :most
                      and m.until > w.index) as judged
      from (select record, min(index) as index from exchange.waiting
             where peer = :peer and feed = :feed and record = any(cast(:records as uuid[])) group by record) w
"""
# The words of a copy, one after another, and of each the first entry that waits for it.
_WORDS = """
    with recursive words as (
        (select unknown, index from exchange.waiting
          where peer = :peer and feed = :feed order by unknown, index limit 1)
         union all
        select next.unknown, next.index
          from words
         cross join lateral (
            select w.unknown, w.index from exchange.waiting w
             where w.peer = :peer and w.feed = :feed and w.unknown > words.unknown
             order by w.unknown, w.index limit 1) next
    )
"""
_ALL_WORDS = f"{_WORDS} select unknown, index from words"
_LEFT = """
    select exists (select from exchange.waiting where peer = :peer and feed = :feed and unsaid)
        or exists (select from exchange.waiting where peer = :peer and feed = :feed
                    group by record having bool_and(unknown = :behind))
"""
_UNSAID = """
    select index, unknown, record, unsaid from exchange.waiting
     where peer = :peer and feed = :feed and unsaid order by index limit :limit
"""
_LACKING = """
    select index, unknown, record, unsaid from exchange.waiting
     where peer = :peer and feed = :feed and record = any(cast(:records as uuid[])) and unknown <> :behind
       and index > :beyond
     order by index limit :limit
"""
_OF_ORIGINS = """
    select coalesce(origin, '') as origin, count(*)::int as count from exchange.waiting
     where peer = :peer and feed = :feed and unknown = :unknown group by 1
"""
_OF_WORD = """
    select index, unknown, record, unsaid from exchange.waiting
     where peer = :peer and feed = :feed and unknown = :unknown order by index
"""
_RENAME = """
    update exchange.waiting w set unknown = named.unknown
      from unnest(cast(:indices as bigint[]), cast(:words as text[])) as named(index, unknown)
     where w.peer = :peer and w.feed = :feed and w.index = named.index and w.unknown <> named.unknown
"""
_ADD = """
    with added as (
        insert into exchange.waiting (peer, feed, index, unknown, record, origin)
        select :peer, :feed, w.* from unnest(cast(:indices as bigint[]), cast(:unknown as text[]),
                                             cast(:records as uuid[]), cast(:origins as text[])) as w
            on conflict do nothing returning unknown
    ), said as (
        select count(*)::int as waiting, array_agg(distinct unknown) as unknown from added
    )
    update exchange.copy_head c
       set waiting = c.waiting + said.waiting,
           unknown = array(select distinct word from unnest(c.unknown || said.unknown) word order by word limit :most)
      from said where c.peer = :peer and c.feed = :feed and said.waiting > 0
"""
_REMOVE = """
    with gone as (
        delete from exchange.waiting where peer = :peer and feed = :feed and index = any(:indices) returning index
    )
    update exchange.copy_head set waiting = waiting - (select count(*) from gone) where peer = :peer and feed = :feed
"""
_NAME = f"""
    {_WORDS}
    update exchange.copy_head c
       set unknown = array(select unknown from words limit :most)
     where c.peer = :peer and c.feed = :feed
"""


async def hold(session: Session, peer: str, feed: str) -> int:
    """How many wait of a copy; until this transaction ends nobody else adds to them, or tells one."""
    rows = await session.fetch(_HOLD, {"peer": peer, "feed": feed})
    return rows[0].waiting if rows else 0


async def lead(session: Session, peer: str, feed: str) -> bool:
    """Hold it as well, unless somebody does."""
    return bool(await session.fetch(f"{_HOLD} skip locked", {"peer": peer, "feed": feed}))


async def those(session: Session, peer: str, feed: str, indices: Collection[int]) -> set[int]:
    """Those of these entries of a copy that wait."""
    wanted = {"peer": peer, "feed": feed, "indices": list(indices)}
    return {row.index for row in await session.fetch(_THOSE, wanted)}


async def following(session: Session, peer: str, feed: str, *, first: int, limit: int) -> list[WaitingEntry]:
    """The next that wait of a copy, from that index on."""
    wanted = {"peer": peer, "feed": feed, "first": first, "limit": limit}
    return [WaitingEntry(*row) for row in await session.fetch(_FOLLOWING, wanted)]


async def waiting_records(session: Session, peer: str, feed: str, records: Collection[UUID]) -> set[UUID | None]:
    """Those of these records of which something waits."""
    wanted = {"peer": peer, "feed": feed, "records": list(records)}
    return {row.record for row in await session.fetch(_RECORDS, wanted)}


async def firsts(
    session: Session, peer: str, feed: str, records: Collection[UUID], *, most: int
) -> dict[UUID, FirstWaiting]:
    """Of those of these records of which something waits the first that does.

    `most`: of so many entries no stretch is judged at once.
    """
    wanted = {"peer": peer, "feed": feed, "records": list(records), "most": most}
    rows = await session.fetch(_FIRSTS, wanted) if records else ()
    return {UUID(bytes=row.record.bytes): FirstWaiting(row.index, row.judged) for row in rows}


async def words(session: Session, peer: str, feed: str) -> dict[str, int]:
    """What a copy waits for, and of each word the first entry that does."""
    return {row.unknown: row.index for row in await session.fetch(_ALL_WORDS, {"peer": peer, "feed": feed})}


async def left(session: Session, peer: str, feed: str) -> bool:
    """Whether of a record all waits behind what does not wait any more, or something waits that was not told to."""
    found: bool = await session.value(_LEFT, {"peer": peer, "feed": feed, "behind": BEHIND})
    return found


async def unsaid(session: Session, peer: str, feed: str, *, limit: int) -> list[WaitingEntry]:
    """The first of those of which it was not told that they wait."""
    wanted = {"peer": peer, "feed": feed, "limit": limit}
    return [WaitingEntry(*row) for row in await session.fetch(_UNSAID, wanted)]


async def lacking(
    session: Session, peer: str, feed: str, records: Collection[UUID], *, beyond: int, limit: int
) -> list[WaitingEntry]:
    """The next entries of these records that wait for something themselves, beyond a place."""
    wanted = {"peer": peer, "feed": feed, "records": list(records), "behind": BEHIND, "beyond": beyond, "limit": limit}
    return [WaitingEntry(*row) for row in await session.fetch(_LACKING, wanted)]


async def not_judged(session: Session, peer: str, feed: str) -> list[WaitingEntry]:
    """Those of a copy that wait because they could not be judged."""
    wanted = {"peer": peer, "feed": feed, "unknown": UNJUDGED}
    return [WaitingEntry(*row) for row in await session.fetch(_OF_WORD, wanted)]


async def of_origins(session: Session, peer: str, feed: str) -> dict[str, int]:
    """How many of a copy wait because they could not be judged, of each origin."""
    wanted = {"peer": peer, "feed": feed, "unknown": UNJUDGED}
    return {row.origin: row.count for row in await session.fetch(_OF_ORIGINS, wanted)}


async def rename(session: Session, peer: str, feed: str, words: Mapping[int, str]) -> None:
    """These wait for something else than was noted."""
    if words:
        given = {"peer": peer, "feed": feed, "indices": list(words), "words": list(words.values())}
        await session.execute(_RENAME, given)


async def add(
    session: Session, peer: str, feed: str, entries: Sequence[WaitingEntry], *, already: int = 0
) -> Sequence[WaitingEntry]:
    """These wait, each once, as far as there is room behind those that wait already; which do."""
    entries = entries[: max(MOST_WAITING - already, 0)]
    if entries:
        rows = zip(*((each.index, each.unknown, each.record, each.origin) for each in entries), strict=True)
        values = dict(zip(("indices", "unknown", "records", "origins"), rows, strict=True))
        await session.execute(_ADD, {"peer": peer, "feed": feed, "most": _MOST_WORDS, **values})
    return entries


async def remove(session: Session, peer: str, feed: str, indices: Sequence[int]) -> None:
    """These wait no more."""
    if indices:
        await session.execute(_REMOVE, {"peer": peer, "feed": feed, "indices": indices})


async def name(session: Session, peer: str, feed: str) -> None:
    """Note with the copy what it waits for now."""
    await session.execute(_NAME, {"peer": peer, "feed": feed, "most": _MOST_WORDS})
