"""The bus as readers see it: what came, what is announced, and the stream itself to refill from.

Both implementations have the truth in PostgreSQL: `heads` and `read` always ask it. They differ in `Arrivals` alone,
the transport, which may bring nothing, repeats, gaps, or everything in the wrong order; a reader believes only the
numbers.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from creditmesh.chassis.bus.event import Delivered, Ordered
from creditmesh.chassis.bus.listen import Listener
from creditmesh.chassis.bus.position import Position
from creditmesh.chassis.bus.stream import Head
from creditmesh.chassis.database.session import Session


@dataclass(slots=True, frozen=True)
class Taken:
    """What one wait brought."""

    events: Sequence[Delivered] = ()
    announced: frozenset[str] = frozenset()
    """Streams whose heads are known to have moved."""


class Arrivals(Protocol):
    """What one reader's transport brings it."""

    async def hold(self, positions: Sequence[Position]) -> None:
        """From now on bring the events of exactly these parts, from about these positions on."""

    async def take(self, seconds: float) -> Taken:
        """What comes within that time; it returns at once when something did."""

    def overdue(self, stream: str, part: int, *, behind: float) -> bool:
        """Whether a reader that has been behind its head for that many seconds should refill from the stream."""

    def hint(self, stream: str, part: int, number: int) -> int | None:
        """Where the transport stood at that event, to be kept with the position."""

    async def close(self) -> None:
        """End the transport's sessions."""


class Bus(Protocol):
    """Announced heads, streams, and a transport for each reader."""

    wakes: Listener
    """Wakes the readers of this process when heads move."""
    seconds_to_poll: float
    """How often a reader asks for the heads when nothing tells it to."""

    def arrivals(self, reader: str, streams: Collection[str]) -> Arrivals:
        """A transport for one run of one reader."""

    async def heads(self, session: Session, stream: str) -> Mapping[int, Head]:
        """The announced heads of all parts."""

    async def read(
        self,
        session: Session,
        stream: str,
        *,
        after: Mapping[int, int],
        n: int,
        types: Collection[str] | None = None,
    ) -> Sequence[Ordered]:
        """At most `n` events after each number, from the stream's own database, with the bodies of these types."""
