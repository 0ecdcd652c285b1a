"""One LISTEN session a process: it wakes the readers of this process when the orderer has given numbers.

It may miss everything: readers look by themselves every two seconds.
"""

import asyncio
from collections.abc import Iterable

from creditmesh.chassis.bus.doubt import in_doubt
from creditmesh.chassis.database.address import Address
from creditmesh.chassis.database.connecting import direct
from creditmesh.chassis.database.session import Session

CHANNEL = "bus"
_TELL = "select pg_notify(:channel, :words)"
SECONDS_TO_PING = 10.0


async def tell(session: Session, *words: str) -> None:
    """Wake who waits for these words (without spaces), in every process, when the transaction commits.

    PostgreSQL lets one transaction that tells commit at a time: once a batch, never once a row.
    """
    await session.execute(_TELL, {"channel": CHANNEL, "words": " ".join(words)})


class Wake:
    """Tells one reader which of its streams have moved since it last asked."""

    def __init__(self, streams: Iterable[str]) -> None:
        self._streams = frozenset(streams)
        self._moved: set[str] = set()
        self._event = asyncio.Event()

    def set(self, streams: Iterable[str] | None = None) -> None:
        """These streams moved; None: any may have."""
        moved = self._streams if streams is None else self._streams.intersection(streams)
        if moved:
            self._moved |= moved
            self._event.set()

    def stir(self) -> None:
        """Wake the reader for another reason: no stream is known to have moved."""
        self._event.set()

    async def wait(self, seconds: float) -> frozenset[str]:
        """The streams that moved, at once or within that time; empty when none did."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return frozenset()
        moved = frozenset(self._moved)
        self._moved.clear()
        self._event.clear()
        return moved


class Listener:
    """The session and whom it wakes."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._wakes: list[Wake] = []
        self.closed = False
        """The process ends: who waits for long shall answer now."""

    def wake(self, streams: Iterable[str]) -> Wake:
        """A new wake for these streams; `forget` it when its reader ends."""
        wake = Wake(streams)
        self._wakes.append(wake)
        return wake

    def forget(self, wake: Wake) -> None:
        """Wake it no more."""
        if wake in self._wakes:
            self._wakes.remove(wake)

    def close(self) -> None:
        """Wake everybody for the last time."""
        self.closed = True
        for wake in self._wakes:
            wake.stir()

    async def run(self) -> None:
        """Listen until the session ends, which is Doubt; everybody is woken once at the start."""
        with in_doubt("listener"):
            session = await direct(self._address, application_name="listener", idle_session_timeout="0")
            try:
                await session.add_listener(CHANNEL, self._notified)
                self._wake_all(None)
                while True:
                    await asyncio.sleep(SECONDS_TO_PING)
                    await session.execute("select 1")
            finally:
                session.terminate()

    def _notified(self, _session: object, _pid: int, _channel: str, payload: object) -> None:
        self._wake_all(str(payload).split())

    def _wake_all(self, streams: Iterable[str] | None) -> None:
        for wake in self._wakes:
            wake.set(streams)
