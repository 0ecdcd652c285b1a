"""What came of peers' feeds: stretches of verified pages, each the body of an event, and the entries in them."""

from collections.abc import Collection, Sequence
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
    keys: bool = False
    """Whether it has only the keys of the stretch, which were told ahead of it."""


class ReceivedText(NamedTuple):
    """The text of a received page, its row, and the entries that are asked for."""

    part: int
    id: UUID
    data: bytes
    indices: Sequence[int]


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
          from (select distinct on (p.first, p.until) p.first, p.until, octet_length(p.data) as weight
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
    return await _covering(session, _COVERING, places)


async def held(session: Session, places: Sequence[EntryPlace]) -> list[ReceivedText]:
    """The same, to be rewritten: nobody else does so until this transaction ends."""
    return await _covering(session, _HELD, places)


async def _covering(session: Session, statement: str, places: Sequence[EntryPlace]) -> list[ReceivedText]:
    peers, names, indices = zip(*places, strict=True)
    wanted = {"peers": peers, "feeds": names, "indices": indices, "most": MOST_ENTRIES}
    return [ReceivedText(*row) for row in await session.fetch(statement, wanted)]


async def rewrite(session: Session, texts: Sequence[tuple[int, UUID, bytes]]) -> None:
    """Keep these texts in place of those that came: (part, id, text)."""
    await session.execute(_REWRITE, dict(zip(("parts", "ids", "texts"), zip(*texts, strict=True), strict=True)))


async def at(session: Session, peer: str, feed: str, indices: Collection[int]) -> dict[int, FeedEntry]:
    """These entries as they are kept; of one that stands twice the one with its body."""
    found: dict[int, FeedEntry] = {}
    for text in await covering(session, [(peer, feed, index) for index in indices]) if indices else ():
        for entry in PageReceived.model_validate_json(text.data).entries:
            if entry.index in indices and (entry.index not in found or entry.body is not None):
                found[entry.index] = entry
    return found


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
    wanted = {"peer": peer, "feed": feed, "after": after, "until": until, "most": MOST_ENTRIES, "limit": _AT_ONCE}
    place = {"beyond": -1, "ended": -1}
    while rows := await session.fetch(_BETWEEN, wanted | place):
        place = {"beyond": rows[-1].first, "ended": rows[-1].until}
        for row in rows:
            for entry in PageReceived.model_validate_json(row.data).entries:
                if after <= entry.index < until and (entry.index not in found or entry.body is not None):
                    found[entry.index] = entry
    return [found[index] for index in sorted(found)]
