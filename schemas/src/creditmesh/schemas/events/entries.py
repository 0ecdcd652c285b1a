"""What the exchange tells of a peer's feed, a stretch of a page at a time, and what ingestion answers.

A peer's feed is verified before it is told; from then on it comes as events like any other, in the order of the feed:
all of one feed has one key, so it stands in one part.
"""

from functools import cached_property
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from creditmesh.schemas.acknowledgements import EntryRefusal
from creditmesh.schemas.bounds import Count
from creditmesh.schemas.events.base import Event
from creditmesh.schemas.exchange import FeedEntry
from creditmesh.schemas.identifiers import FeedName, NodeCode
from creditmesh.schemas.received import ReceivedEntry, read_entries


class PageReceived(Event):
    """The entries `first <= index < until` of a peer's feed, as they came and were verified; or what holds at once.

    That alone is told ahead, where the rest is told later: nobody answers for it before that.
    """

    type: ClassVar[str] = "page.received"

    peer: NodeCode
    feed: FeedName
    first: Count
    until: Count
    entries: tuple[FeedEntry, ...]
    waiting: tuple[Count, ...] = ()
    """Those that the version which told them could not read, and those of a record that wait behind one: it told them
    for what surrounds them, and a version that can read them tells them anew."""
    replaced: tuple[Count, ...] = ()
    """Those whose content is told no more, for a later one of their record replaced or ended it: this node took it."""
    unproven: tuple[Count, ...] = ()
    """Those about another node's records of which nothing proves that it said so, where this node holds its key."""
    ahead: bool = False
    """Whether these are only the keys among them, and what ends a record, told before the rest."""
    anew: bool = False
    """Whether they count as if they came first: what is held of their records is not what the feed says."""

    @property
    def key(self) -> str:
        return f"{self.peer}/{self.feed}"

    @cached_property
    def received(self) -> tuple[ReceivedEntry, ...]:
        """The entries as this version can read them; read once for all who ask."""
        return read_entries(
            self.peer,
            self.feed,
            self.entries,
            waiting=frozenset(self.waiting),
            replaced=frozenset(self.replaced),
            unproven=frozenset(self.unproven),
            anew=self.anew,
        )


class TrackedEntry(BaseModel):
    """An entry that marks or ends a record, of which every holder's answer is kept."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    index: int
    record: UUID


class EntriesJudged(Event):
    """The entries `first <= index < until` of a peer's feed were applied, but for the refused ones."""

    type: ClassVar[str] = "entries.judged"

    peer: NodeCode
    feed: FeedName
    first: int
    until: int
    refused: tuple[EntryRefusal, ...] = ()
    ends: tuple[UUID, ...] = ()
    """The subjects here whose records these entries marked or ended: nobody may still be showing them otherwise."""
    tracked: tuple[TrackedEntry, ...] = ()
    """Those of them that mark or end a record, known here or not."""

    @property
    def key(self) -> str:
        return f"{self.peer}/{self.feed}"
