"""Entries of this node's feeds that were fetched back: they point to a record, and to no subject of this node's."""

from typing import NamedTuple
from uuid import UUID

from creditmesh.chassis.database.session import Session
from creditmesh.schemas.events.record import Change


class Restored(NamedTuple):
    """An entry about a record that was fetched back from a peer's copy."""

    feed: str
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks an entry for
    line: str
    record: UUID
    rev: int
    change: Change
    item: str | None
    party: str | None


# Of entries that were fetched back: the newest of each record.
_RESTORED = """
    select distinct on (record) feed, index, line, record, rev, change, item, party from exchange.feed_entry
     where record is not null and subject is null order by record, rev desc, index desc
"""


async def newest(session: Session) -> list[Restored]:
    """The newest of the entries about each record that were fetched back."""
    return [Restored(*row) for row in await session.fetch(_RESTORED)]
