"""What an operator is told of a second history of a feed, and says to have it set aside."""

from creditmesh.schemas.bodies import In, Out
from creditmesh.schemas.identifiers import FeedName, NodeCode
from creditmesh.schemas.texts import Word


class HeldOut(Out):
    """How much a node that reads a feed holds of it."""

    node: NodeCode
    holds: int
    common: int
    """How much of that stands here: all of it, but of a reader that holds another history."""


class SecondHistoryOut(Out):
    """What a node has appended to a feed beside what a reader of it holds, and what can be done about it."""

    feed: FeedName
    size: int
    first: int | None = None
    """From which entry on what stands here is held by nobody, and would be set aside; None where nothing would."""
    entries: int = 0
    records: int = 0
    """How many entries that are, and of how many records."""
    head: str | None = None
    """Size and root of what stands here, to be said again by who sets it aside."""
    readers: tuple[HeldOut, ...] = ()
    left: int = 0
    """How many entries were set aside and are not said again yet."""


class SetAsideBody(In):
    """The head of what is to be set aside, as `head` named it."""

    head: Word
