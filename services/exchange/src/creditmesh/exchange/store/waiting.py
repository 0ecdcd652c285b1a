"""Entries of peers' feeds that wait for a version of this node which has a word for what they say."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from uuid import UUID

from creditmesh.chassis.database.session import Session


@dataclass(frozen=True, slots=True)
class WaitingEntry:
    """A row: where the entry is, what it waits for, and the record it is about where it says so."""

    peer: str
    feed: str
    index: int
    unknown: str
    record: UUID | None


_OF_COPY = """
    select peer, feed, index, unknown, record from exchange.waiting
     where peer = :peer and feed = :feed order by index for update
"""
_REMOVE = "delete from exchange.waiting where peer = :peer and feed = :feed and index = any(:indices)"


async def of_copy(session: Session, peer: str, feed: str) -> list[WaitingEntry]:
    """What waits of a copy, in its order; until this transaction ends nobody else tells it."""
    return [WaitingEntry(*row) for row in await session.fetch(_OF_COPY, {"peer": peer, "feed": feed})]


async def add(session: Session, entries: Sequence[WaitingEntry]) -> None:
    """These wait."""
    if entries:
        await session.copy("exchange.waiting", WaitingEntry.__slots__, [astuple(each) for each in entries])


async def remove(session: Session, peer: str, feed: str, indices: Sequence[int]) -> None:
    """These wait no more."""
    if indices:
        await session.execute(_REMOVE, {"peer": peer, "feed": feed, "indices": indices})
