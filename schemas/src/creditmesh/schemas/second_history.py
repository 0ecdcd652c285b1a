"""What an operator is told of a second history of a feed, and says to have it set aside."""

from creditmesh.schemas.bodies import In, Out
from creditmesh.schemas.identifiers import FeedName, NodeCode
from creditmesh.schemas.texts import Word


class HeldOut(Out):
    """How much a node that reads a feed holds of it."""

    node: NodeCode
    holds: int
    """How many entries of the feed it has verified."""
    common: int
    """How much of that stands here: all of it, but of a reader that holds another history."""


class SecondHistoryOut(Out):
    """What a node has appended to a feed beside what a reader of it holds, and what can be done about it."""

    feed: FeedName
    size: int
    first: int | None = None
    """From which entry on what stands here is held by nobody, and would be set aside; None where nothing would."""
    entries: int = 0
    """How many entries that are."""
    records: int = 0
    """Of how many records they are."""
    head: str | None = None
    """Size and root of what stands here, to be said again by who sets it aside."""
    readers: tuple[HeldOut, ...] = ()
    """How much each node that reads the feed holds of it."""
    left: int = 0
    """How many entries were set aside and are not said again yet."""


class SetAsideBody(In):
    """What is to be set aside."""

    head: Word
    """Its head, as `head` of what was asked before named it."""
