"""What a node says to its own operator as it compares what it holds of a peer with what the peer's feed says."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from creditmesh.schemas.bodies import In, Out
from creditmesh.schemas.bounds import Count, Revision
from creditmesh.schemas.identifiers import Code, FeedName, NodeCode
from creditmesh.schemas.words import Change

MOST_RECORDS = 500
"""Records that are spoken of at once."""
Saying = Literal["comparable", "waits", "under_way", "kept_back", "elsewhere"]
"""What can be said of a record by a feed: that something of it waits, here or at its sender, so that nothing is shown;
that it is not judged yet; that this node refused what it says, or has it no more; that another peer's feed says
something newer."""
Difference = Literal["missing", "differing", "shown", "unreadable"]
"""It is not here; it is here otherwise; it is shown here though it ended; what stands here cannot be read."""
Heads = Literal["equal", "under_way", "differing", "no_answer"]


class HeadsOut(Out):
    """The two heads of one feed, here and at the peer; the shorter one is a beginning unless they differ."""

    node: NodeCode
    """Whose feed it is."""
    feed: FeedName
    here: Count
    there: Count | None = None
    """How many entries the peer has; None where it does not say."""
    heads: Heads


class SaidOut(Out):
    """What a peer's `up` says of one record last, as far as this node has verified it."""

    peer: NodeCode
    record: UUID
    saying: Saying
    index: Count
    """Where its newest revision stands."""
    rev: Revision
    change: Change
    newest: str | None = None
    content: str | None = None
    """The bodies of that and of the newest with content, as JSON: of what is comparable and is to be shown."""


class SaidPage(Out):
    """What is said last in a stretch of a feed."""

    items: tuple[SaidOut, ...]
    until: Count
    """From where on the next stretch begins."""
    size: Count
    """How many entries the copy has: `until` reaches it in the end."""


class RecordsIn(In):
    """Records, by their ids."""

    records: Annotated[tuple[UUID, ...], Field(max_length=MOST_RECORDS)]


class RecordsOut(Out):
    """Records, by their ids."""

    records: tuple[UUID, ...]


class ToldOut(Out):
    """What became of records that were to be told anew; of others the feed says nothing that can be told now."""

    told: tuple[UUID, ...]
    """Those that were, with all that their feed says of them."""
    withheld: tuple[UUID, ...]
    """Those of which something waits: that it does was told anew."""
    left: tuple[UUID, ...]
    """Those that are too many to be told at once."""


class ToCompareIn(In):
    """Records with what their feed says of them: of what is comparable, or waits."""

    said: Annotated[tuple[SaidOut, ...], Field(max_length=MOST_RECORDS)]


class RecordComparedOut(Out):
    """How the copy of one record stands beside what its feed says."""

    record: UUID
    item: Code | None = None
    """None where neither says it any more."""
    difference: Difference | None = None
    """None: there is none."""


class ShownOut(Out):
    """A copy that is shown here."""

    record: UUID
    item: Code
