"""What came of peers' feeds: stretches of verified pages, each the body of an event, and the entries in them."""

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from creditmesh.chassis.database.session import Session
from creditmesh.exchange.chunks import MOST_ENTRIES
from creditmesh.schemas.events import PageReceived
from creditmesh.schemas.exchange import FeedEntry

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


class ReceivedText(NamedTuple):
    """The text of a received page, its row, and the entries that are asked for."""

    part: int
    id: UUID
    data: bytes
    indices: Sequence[int]


class KeptPage(NamedTuple):
    """Entries of a copy as they came, and the signed head that they lead to."""

    entries: list[FeedEntry]
    note: str


# Up to the next head whose signed text is kept.
_KEPT_UNTIL = """
    select size, note from exchange.copy_checkpoint
     where peer = :peer and feed = :feed and size > :after and note is not null order by size limit 1
"""
# No page has more entries than the bound: so far back one that covers an index may begin. One that was told again
# stands twice.
_BETWEEN = """
    select distinct on (first) first, data from exchange.received_page
     where peer = :peer and feed = :feed and first > :beyond and first < :until and until > :after
     order by first, id limit :limit
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
_REWRITE = """
    update exchange.received_page p set data = w.data
      from unnest(cast(:parts as integer[]), cast(:ids as uuid[]), cast(:texts as bytea[])) as w(part, id, data)
     where p.part = w.part and p.id = w.id
"""
_AT_ONCE = 50


async def write(session: Session, pages: Sequence[ReceivedPage]) -> None:
    """Keep stretches of peers' feeds."""
    await session.copy("exchange.received_page", ReceivedPage._fields, pages)


async def covering(session: Session, places: Sequence[EntryPlace]) -> list[ReceivedText]:
    """The pages in which these places of peers' feeds are."""
    peers, names, indices = zip(*places, strict=True)
    wanted = {"peers": peers, "feeds": names, "indices": indices, "most": MOST_ENTRIES}
    return [ReceivedText(*row) for row in await session.fetch(_COVERING, wanted)]


async def rewrite(session: Session, texts: Sequence[tuple[int, UUID, bytes]]) -> None:
    """Keep these texts in place of those that came: (part, id, text)."""
    await session.execute(_REWRITE, dict(zip(("parts", "ids", "texts"), zip(*texts, strict=True), strict=True)))


async def between(
    session: Session, peer: str, feed: str, *, after: int, until: int = 2**53
) -> AsyncIterator[PageReceived]:
    """The stretches in which the entries `after <= index < until` are, in their order."""
    beyond, place = after - MOST_ENTRIES, {"peer": peer, "feed": feed, "after": after, "until": until}
    while rows := await session.fetch(_BETWEEN, {**place, "beyond": beyond, "limit": _AT_ONCE}):
        beyond = rows[-1].first
        for row in rows:
            yield PageReceived.model_validate_json(row.data)


async def at(session: Session, peer: str, feed: str, indices: Collection[int]) -> dict[int, FeedEntry]:
    """These entries as they are kept; of one that stands twice the one with its body."""
    found: dict[int, FeedEntry] = {}
    for text in await covering(session, [(peer, feed, index) for index in indices]) if indices else ():
        for entry in PageReceived.model_validate_json(text.data).entries:
            if entry.index in indices and (entry.index not in found or entry.body is not None):
                found[entry.index] = entry
    return found


async def kept(session: Session, peer: str, feed: str, *, after: int) -> KeptPage | None:
    """The entries after so many up to the next signed head, as they came; None if there are none or not all."""
    end = await session.row(_KEPT_UNTIL, {"peer": peer, "feed": feed, "after": after})
    if end is None:
        return None
    found: dict[int, FeedEntry] = {}
    async for page in between(session, peer, feed, after=after, until=end.size):
        found |= {entry.index: entry for entry in page.entries if after <= entry.index < end.size}
    whole = [found[index] for index in sorted(found)]
    return KeptPage(whole, end.note) if len(whole) == end.size - after else None
