"""Copies that are not yet where their feed stood when it was announced: what they hold back until then."""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple
from uuid import UUID

from creditmesh.chassis.database.session import Session


class HeldEntry(NamedTuple):
    """An entry that is not told yet and replaces what was said of its record before; whether by content of its own."""

    peer: str
    feed: str
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks an entry for
    record: UUID
    content: bool


_ANNOUNCE = """
    update exchange.copy_head set announced = greatest(announced, :announced),
           held_from = case when size < greatest(announced, :announced) then coalesce(held_from, size) end
     where peer = :peer and feed = :feed
"""
_REPLACED = """
    select h.index from exchange.held_entry h
     where h.peer = :peer and h.feed = :feed and h.content
       and exists (select from exchange.held_entry later
                    where later.peer = h.peer and later.feed = h.feed and later.record = h.record
                      and later.index > h.index)
     order by h.index
"""
_PAGES = """
    select p.first, p.part, p.id
      from exchange.copy_head c
      join exchange.received_page p on p.peer = c.peer and p.feed = c.feed and p.first >= c.held_from
     where c.peer = :peer and c.feed = :feed and p.first > :beyond order by p.first limit :limit
"""
_DONE = """
    with told as (delete from exchange.held_entry where peer = :peer and feed = :feed)
    update exchange.copy_head set held_from = null where peer = :peer and feed = :feed
"""
_AT_ONCE = 1000


async def announce(session: Session, peer: str, feed: str, size: int) -> None:
    """Keep how far the feed goes at its sender; never less than was kept before."""
    await session.execute(_ANNOUNCE, {"peer": peer, "feed": feed, "announced": size})


async def hold_back(session: Session, entries: Sequence[HeldEntry]) -> None:
    """Remember that these are kept and not told."""
    await session.copy("exchange.held_entry", HeldEntry._fields, entries)


async def replaced(session: Session, peer: str, feed: str) -> list[int]:
    """The held entries with content that a later one of their record replaces."""
    return [row[0] for row in await session.fetch(_REPLACED, {"peer": peer, "feed": feed})]


async def held_pages(session: Session, peer: str, feed: str) -> AsyncIterator[list[tuple[int, UUID]]]:
    """Part and id of the pages that are held, in the order of the feed, some at a time."""
    beyond = -1
    while rows := await session.fetch(_PAGES, {"peer": peer, "feed": feed, "beyond": beyond, "limit": _AT_ONCE}):
        beyond = rows[-1][0]
        yield [(part, id_) for _, part, id_ in rows]


async def done(session: Session, peer: str, feed: str) -> None:
    """Nothing of this copy is held back any more."""
    await session.execute(_DONE, {"peer": peer, "feed": feed})
