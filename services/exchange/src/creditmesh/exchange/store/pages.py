"""What came of peers' feeds: stretches of verified pages, each the body of an event, and the entries in them."""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import orjson

from creditmesh.chassis.bus.event import read_once, recall
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.packing import pack, unpack
from creditmesh.exchange.chunks import MOST_ENTRIES
from creditmesh.schemas.events import PageReceived
from creditmesh.schemas.exchange import FeedEntry
from creditmesh.schemas.received import ReceivedEntry

EntryPlace = tuple[str, str, int]
"""A peer, its feed, and the index in it."""


class ReceivedPage(NamedTuple):
    """A row: a stretch of a peer's feed as it came, the body of an event."""

    part: int
    id: UUID
    key: str
    at: datetime
    legal_date: date
    traceparent: str | None
    peer: str
    feed: str
    first: int
    until: int
    data: bytes
    """As it is kept: packed."""
    weight: int
    """Bytes of the body; none of a page of before it was packed, which is its own."""
    keys: bool = False
    """Whether it has only keys and ends of the stretch, which were told ahead of it."""


class StoredPage(NamedTuple):
    """A received page, its row, and the entries that are asked for."""

    part: int
    id: UUID
    page: PageReceived
    indices: Sequence[int]


class StoredEntry(NamedTuple):
    """An entry as it is kept, and as it is read."""

    kept: FeedEntry
    read: ReceivedEntry


class KeptStretch(NamedTuple):
    """Entries of a copy up to a signed head."""

    size: int
    note: str
    weight: int
    """Bytes in which all of them are kept, or more."""
    whole: bool
    """Whether all of them are kept."""


# Up to the next head whose signed text is kept: whether all before it is kept, and what it weighs at most. What was
# told again stands twice.
_KEPT_UNTIL = """
    select head.size, head.note, kept.weight,
           coalesce(kept.indices @> int8range(:after, head.size), false) as whole
      from (select size, note from exchange.copy_checkpoint
             where peer = :peer and feed = :feed and size > :after and note is not null
             order by size limit 1) head
     cross join lateral (
        select range_agg(int8range(first, until)) as indices, coalesce(sum(weight), 0) as weight
          from (select distinct on (p.first, p.until) p.first, p.until,
                       coalesce(p.weight, octet_length(p.data)) as weight
                  from exchange.received_page p
                 where p.peer = :peer and p.feed = :feed and not p.keys and p.first > cast(:after as bigint) - :most
                   and p.first < head.size and p.until > :after
                   and head.size <= cast(:after as bigint) + :limit) page) kept
"""
# No page has more entries than the bound: so far back one that covers an index may begin. Of what was told again, and
# stands several times, the newest.
_BETWEEN = """
    select distinct on (first, until) first, until, data from exchange.received_page
     where peer = :peer and feed = :feed and not keys and first > cast(:after as bigint) - :most and first < :until
       and until > :after and (first, until) > (:beyond, :ended)
     order by first, until, id desc limit :limit
"""
_COVERING = """
    with wanted as (
        select * from unnest(cast(:peers as text[]), cast(:feeds as text[]), cast(:indices as bigint[]))
                      as w(peer, feed, index)
    ), found as (
        select p.part, p.id, array_agg(w.index) as indices
          from wanted w
          join exchange.received_page p
            on p.peer = w.peer and p.feed = w.feed and p.first > w.index - :most and p.first <= w.index
           and p.until > w.index
         group by p.part, p.id
    )
    select p.part, p.id, p.data, f.indices
      from found f join exchange.received_page p on p.part = f.part and p.id = f.id
"""
# Two who rewrite the same pages do so one after the other, in this order.
_HELD = f"{_COVERING} order by p.part, p.id for update of p"
_REWRITE = """
    update exchange.received_page p set data = w.data, weight = w.weight
      from unnest(cast(:parts as integer[]), cast(:ids as uuid[]), cast(:texts as bytea[]), cast(:weights as integer[]))
           as w(part, id, data, weight)
     where p.part = w.part and p.id = w.id
"""
_AT_ONCE = 50


async def write(session: Session, pages: Sequence[ReceivedPage]) -> None:
    """Keep stretches of peers' feeds."""
    await session.copy("exchange.received_page", ReceivedPage._fields, pages)


async def covering(session: Session, places: Sequence[EntryPlace]) -> list[StoredPage]:
    """The pages in which these places of peers' feeds are."""
    return await _covering(session, _COVERING, places, recall)


async def held(session: Session, places: Sequence[EntryPlace]) -> list[StoredPage]:
    """The same, to be rewritten: nobody else does so until this transaction ends. What goes is kept in no memory."""
    return await _covering(session, _HELD, places, read_once)


async def _covering(
    session: Session,
    statement: str,
    places: Sequence[EntryPlace],
    read: Callable[[type[PageReceived], bytes], PageReceived],
) -> list[StoredPage]:
    peers, names, indices = zip(*places, strict=True)
    wanted = {"peers": peers, "feeds": names, "indices": indices, "most": MOST_ENTRIES}
    rows = await session.fetch(statement, wanted)
    return [StoredPage(part, id_, read(PageReceived, data), indices) for part, id_, data, indices in rows]


async def rewrite(session: Session, texts: Sequence[tuple[int, UUID, bytes]]) -> None:
    """Keep these texts in place of those that came: (part, id, text)."""
    parts, ids, plain = zip(*texts, strict=True)
    kept = {"texts": list(map(pack, plain)), "weights": list(map(len, plain))}
    await session.execute(_REWRITE, {"parts": parts, "ids": ids, **kept})


async def at(session: Session, peer: str, feed: str, indices: Collection[int]) -> dict[int, FeedEntry]:
    """These entries as they are kept; of one that stands twice the one with its body."""
    return {index: each.kept for index, each in (await read_at(session, peer, feed, indices)).items()}


async def read_at(session: Session, peer: str, feed: str, indices: Collection[int]) -> dict[int, StoredEntry]:
    """The same, each also as it is read: by all of this process once."""
    found: dict[int, StoredEntry] = {}
    for each in await covering(session, [(peer, feed, index) for index in indices]) if indices else ():
        entries = {entry.index: StoredEntry(entry, read) for entry, read in _both(each.page)}
        for index in each.indices:
            if index in entries and (index not in found or entries[index].kept.body is not None):
                found[index] = entries[index]
    return found


def _both(page: PageReceived) -> Iterable[tuple[FeedEntry, ReceivedEntry]]:
    return zip(page.entries, page.received, strict=True)


async def kept_until(session: Session, peer: str, feed: str, *, after: int, limit: int) -> KeptStretch | None:
    """The stretch of a copy after so many up to the next signed head; None if there is none.

    It counts as not whole where it has more entries than the limit: older versions kept one head of many.
    """
    place = {"peer": peer, "feed": feed, "after": after, "limit": limit, "most": MOST_ENTRIES}
    row = await session.row(_KEPT_UNTIL, place)
    return None if row is None else KeptStretch(*row)


async def kept(session: Session, peer: str, feed: str, *, after: int, until: int) -> list[FeedEntry]:
    """The entries `after <= index < until` as they are kept, of one that stands twice the one with its body."""
    found: dict[int, FeedEntry] = {}
    async for data in _between(session, peer, feed, after=after, until=until):
        for entry in PageReceived.model_validate_json(data).entries:
            if after <= entry.index < until and (entry.index not in found or entry.body is not None):
                found[entry.index] = entry
    return [found[index] for index in sorted(found)]


async def lines(session: Session, peer: str, feed: str, *, after: int, until: int) -> list[str]:
    """The lines of the same entries: a quarter of what it costs to read all that a page says."""
    found: dict[int, str] = {}
    async for data in _between(session, peer, feed, after=after, until=until):
        found |= {each["index"]: each["line"] for each in orjson.loads(data)["entries"]}
    return [found[index] for index in sorted(found) if after <= index < until]


async def _between(session: Session, peer: str, feed: str, *, after: int, until: int) -> AsyncIterator[bytes]:
    """The JSON of the pages in which these entries are, some at a time."""
    wanted = {"peer": peer, "feed": feed, "after": after, "until": until, "most": MOST_ENTRIES, "limit": _AT_ONCE}
    place = {"beyond": -1, "ended": -1}
    while rows := await session.fetch(_BETWEEN, wanted | place):
        place = {"beyond": rows[-1].first, "ended": rows[-1].until}
        for row in rows:
            yield unpack(row.data)
