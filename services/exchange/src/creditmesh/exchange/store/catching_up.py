"""Copies that are not yet where their feed stood when it was announced: what they hold back until then."""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple
from uuid import UUID

from creditmesh.chassis.database.session import Session


class HeldEntry(NamedTuple):
    """An entry about a record that is not told yet, and whether it replaces what was said of the record before."""

    peer: str
    feed: str
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks an entry for
    record: UUID
    replaces: bool


_ANNOUNCE = """
    update exchange.copy_head set announced = greatest(announced, :announced) where peer = :peer and feed = :feed
"""
_REPLACED = """
    select h.index from exchange.held_entry h
     where h.peer = :peer and h.feed = :feed
       and exists (select from exchange.held_entry later
                    where later.peer = h.peer and later.feed = h.feed and later.record = h.record
                      and later.index > h.index and later.replaces)
     order by h.index
"""
_ROWS = """
    select h.index, r.part, r.id
      from exchange.held_entry h
      join exchange.received r on r.peer = h.peer and r.feed = h.feed and r.index = h.index
     where h.peer = :peer and h.feed = :feed and h.index > :beyond order by h.index limit :limit
"""
_DONE = "delete from exchange.held_entry where peer = :peer and feed = :feed"
_AT_ONCE = 5000


async def announce(session: Session, peer: str, feed: str, size: int) -> None:
    """Keep how far the feed goes at its sender; never less than was kept before."""
    await session.execute(_ANNOUNCE, {"peer": peer, "feed": feed, "announced": size})


async def hold_back(session: Session, entries: Sequence[HeldEntry]) -> None:
    """Remember that these are kept and not told."""
    await session.copy("exchange.held_entry", HeldEntry._fields, entries)


async def replaced(session: Session, peer: str, feed: str) -> list[int]:
    """The held entries whose record has, among the held ones, a later entry that replaces what they say."""
    return [row[0] for row in await session.fetch(_REPLACED, {"peer": peer, "feed": feed})]


async def held(session: Session, peer: str, feed: str) -> AsyncIterator[list[tuple[int, UUID]]]:
    """Part and id of the rows of what is held, in the order of the feed, some at a time."""
    beyond = -1
    while rows := await session.fetch(_ROWS, {"peer": peer, "feed": feed, "beyond": beyond, "limit": _AT_ONCE}):
        beyond = rows[-1][0]
        yield [(part, id_) for _, part, id_ in rows]


async def done(session: Session, peer: str, feed: str) -> None:
    """Nothing of this copy is held back any more."""
    await session.execute(_DONE, {"peer": peer, "feed": feed})
