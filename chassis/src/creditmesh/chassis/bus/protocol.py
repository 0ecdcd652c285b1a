"""The bus as consumers see it: what came, what is announced, and the stream itself to fill gaps from.

Both implementations have the truth in PostgreSQL: `heads` and `read` always ask it. They differ in the `Transport`
alone, which may bring nothing, repeats, gaps, or everything in the wrong order; a consumer believes only the numbers.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from creditmesh.chassis.bus.event import Ordered
from creditmesh.chassis.bus.listen import Listener
from creditmesh.chassis.bus.position import Position
from creditmesh.chassis.bus.stream import Head
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.units import Unit


@dataclass(slots=True, frozen=True)
class Came:
    """What one wait brought."""

    events: Sequence[Ordered] = ()
    announced: frozenset[str] = frozenset()
    """Streams whose heads are known to have moved though their events did not come."""


class Transport(Protocol):
    """What brings one run of one consumer its events."""

    async def hold(self, positions: Sequence[Position]) -> None:
        """From now on bring the events of exactly these parts, from about these positions on."""

    async def take(self, seconds: float) -> Came:
        """What comes within that time; it returns at once when something did."""

    def missing(self, stream: str, part: int, *, seconds: float) -> None:
        """Be told that a consumer has been behind the head of that part for so long and nothing of it came."""

    def overdue(self, stream: str, part: int) -> bool:
        """Whether a consumer that is behind the head of that part should read the stream itself."""

    def hint(self, stream: str, part: int, number: int) -> int | None:
        """Where the transport stood at that event, to be kept with the position."""

    def applied(self, stream: str, part: int, number: int) -> None:
        """Be told that everything up to that event is applied."""

    async def close(self) -> None:
        """End the transport's sessions."""


class Bus(Protocol):
    """Announced heads, streams, and a transport for each consumer."""

    wakes: Listener
    """Wakes the readers of this process when heads move."""
    seconds_to_poll: float
    """How often a consumer asks for the heads when nothing tells it to."""

    def units(self) -> Sequence[Unit]:
        """What runs in a process with consumers."""

    def transport(self, reader: str, streams: Collection[str]) -> Transport:
        """A transport for one run of one consumer."""

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
