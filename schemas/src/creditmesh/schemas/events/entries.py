"""What the exchange tells of a peer's feed, entry by entry, and what ingestion answers.

A peer's feed is verified before it is told; from then on its entries are events like any other, in the order of the
feed: all entries of one feed have one key, so they stand in one part.
"""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from creditmesh.schemas.acknowledgements import EntryRefusal
from creditmesh.schemas.events.base import Event
from creditmesh.schemas.identifiers import FeedName, NodeCode


class EntryReceived(Event):
    """One entry of a peer's feed, verified: under the tree head that the peer signed, at this index."""

    peer: NodeCode
    feed: FeedName
    index: Annotated[int, Field(ge=0)]
    """Its place in the peer's feed, 0 for the first."""
    line: str
    """The line that was hashed into the tree, to the letter (`schemas.exchange.Line`)."""
    body: str | None = None
    """The JSON of what the line commits to (`schemas.exchange`); None where it was erased."""

    @property
    def key(self) -> str:
        return f"{self.peer}/{self.feed}"


class RecordReceived(EntryReceived):
    """A revision of a record, as a peer shares it; personal fields sealed under the feed's key."""

    type: ClassVar[str] = "record.received"

    record: UUID
    rev: int
    """Both stand in the line too; here they find the entry."""


class FeedKeyReceived(EntryReceived):
    """The key that seals the entries after it, wrapped to those who may read them."""

    type: ClassVar[str] = "feed_key.received"


class CatalogueReceived(EntryReceived):
    """A version of an object of a higher tier's catalogue, or its withdrawal."""

    type: ClassVar[str] = "catalogue.received"


class AcknowledgementReceived(EntryReceived):
    """A higher tier's acknowledgement of entries of ours, relayed by the tier between."""

    type: ClassVar[str] = "acknowledgement.received"


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
