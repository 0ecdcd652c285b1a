"""The bus inside the node's own PostgreSQL: nothing arrives, everything is read from the stream."""

from collections.abc import Collection, Mapping, Sequence

from creditmesh.chassis.bus.event import Ordered
from creditmesh.chassis.bus.listen import Listener
from creditmesh.chassis.bus.position import Position
from creditmesh.chassis.bus.protocol import Taken
from creditmesh.chassis.bus.stream import Head, heads, read_stream
from creditmesh.chassis.database.session import Session


class EmbeddedBus:
    """Always there, also beneath Kafka."""

    seconds_to_poll: float = 2.0

    def __init__(self, wakes: Listener) -> None:
        self.wakes = wakes

    def arrivals(self, reader: str, streams: Collection[str]) -> "Woken":
        """A reader of these streams is woken when they move."""
        del reader
        return Woken(self.wakes, streams)

    async def heads(self, session: Session, stream: str) -> Mapping[int, Head]:
        """As `stream.heads`."""
        return await heads(session, stream)

    async def read(
        self,
        session: Session,
        stream: str,
        *,
        after: Mapping[int, int],
        n: int,
        types: Collection[str] | None = None,
    ) -> Sequence[Ordered]:
        """As `stream.read_stream`."""
        return await read_stream(session, stream, after=after, n=n, types=types)


class Woken:
    """Arrivals that never bring an event, only the word that there are some."""

    def __init__(self, wakes: Listener, streams: Collection[str]) -> None:
        self._wakes = wakes
        self._wake = wakes.wake(streams)

    async def hold(self, positions: Sequence[Position]) -> None:
        """Nothing to seek."""

    async def take(self, seconds: float) -> Taken:
        """The streams that moved."""
        return Taken(announced=await self._wake.wait(seconds))

    def overdue(self, stream: str, part: int, *, behind: float) -> bool:
        """Always: the stream is the only source."""
        del stream, part, behind
        return True

    def hint(self, stream: str, part: int, number: int) -> int | None:
        """There is no transport to stand anywhere."""
        del stream, part, number
        return None

    async def close(self) -> None:
        """Be woken no more."""
        self._wakes.forget(self._wake)
