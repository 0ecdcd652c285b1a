"""One LISTEN session a process: it learns what the orderer has numbered, and wakes who waits for that.

A notice says which numbers of which part are new and of which types, as `stream:part=first-last:type,type`, so that
they can be read at once, or later where nobody handles them; one that would be too long names its streams only. It may
miss everything: readers look by themselves.
"""

import asyncio
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, Self

from creditmesh.chassis.bus.faults import uncertain_on_failure
from creditmesh.chassis.database.address import DatabaseAddress
from creditmesh.chassis.database.connecting import direct
from creditmesh.chassis.database.session import Session

CHANNEL = "bus"
CATCHING_UP = "catching_up"
"""The word for whoever follows with which peers the node has to catch up (`bus.catching_up`)."""
FOLLOWED = "followed"
"""The word for whoever goes by the stream that its process follows: said within that process (`bus.replica`)."""
_TELL = "select pg_notify(:channel, :words)"
SECONDS_TO_PING = 10.0
_NEWS = re.compile(r"([a-z]\w*):(\d+)=(\d+)-(\d+):(\S+)", re.ASCII)


class Notification(NamedTuple):
    """Numbers of a part that were given a moment ago."""

    stream: str
    part: int
    first: int
    last: int
    types: Collection[str]

    @classmethod
    def of(cls, word: str) -> Self | None:
        """What a word of a notice says; None if it names a stream, or is told by somebody else."""
        if (found := _NEWS.fullmatch(word)) is None:
            return None
        stream, part, first, last, types = found.groups()
        return cls(stream, int(part), int(first), int(last), types.split(","))


async def tell(session: Session, *words: str) -> None:
    """Wake who waits for these words (without spaces), in every process, when the transaction commits.

    PostgreSQL lets one transaction that tells commit at a time: once a batch, never once a row.
    """
    await session.execute(_TELL, {"channel": CHANNEL, "words": " ".join(words)})


class Signal:
    """Tells one reader which of its streams have moved since it last asked."""

    def __init__(self, streams: Iterable[str], *, handed: bool = False) -> None:
        """`handed`: what is read of these streams is handed on to its owner, who is woken by that."""
        self.handed = handed
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
        if not self._event.is_set():
            try:
                async with asyncio.timeout(seconds):
                    await self._event.wait()
            except TimeoutError:
                return frozenset()
        moved = frozenset(self._moved)
        self._moved.clear()
        self._event.clear()
        return moved


class Notifications:
    """The session and whom it wakes."""

    def __init__(self, address: DatabaseAddress) -> None:
        self._address = address
        self._wakes: list[Signal] = []
        self._reads: Callable[[Notification], bool] = lambda _: False
        self.closed = False
        """The process ends: who waits for long shall answer now."""

    def wake(self, streams: Iterable[str], *, handed: bool = False) -> Signal:
        """A new wake for these streams; `forget` it when its reader ends."""
        wake = Signal(streams, handed=handed)
        self._wakes.append(wake)
        return wake

    def forget(self, wake: Signal) -> None:
        """Wake it no more."""
        if wake in self._wakes:
            self._wakes.remove(wake)

    @contextmanager
    def waking(self, streams: Iterable[str]) -> Iterator[Signal]:
        """A wake for these streams as long as its reader runs."""
        wake = self.wake(streams)
        try:
            yield wake
        finally:
            self.forget(wake)

    def read_by(self, reads: Callable[[Notification], bool]) -> None:
        """Give news to a reader of this process that hands the events on: True if it does."""
        self._reads = reads

    def close(self) -> None:
        """Wake everybody for the last time."""
        self.closed = True
        for wake in self._wakes:
            wake.stir()

    def notice(self, text: str) -> None:
        """Take in a notice: the orderer of this process gives its own without the way over the server."""
        moved, unread = set(), set()
        for word in text.split():
            news = Notification.of(word)
            moved.add(word if news is None else news.stream)
            if news is None or not self._reads(news):
                unread.add(word if news is None else news.stream)
        for wake in self._wakes:
            wake.set(unread if wake.handed else moved)

    async def run(self) -> None:
        """Listen until the session ends, which is Uncertain; everybody is woken once at the start."""
        with uncertain_on_failure("listener"):
            session = await direct(self._address, application_name="listener", idle_session_timeout="0")
            try:
                await session.add_listener(CHANNEL, self._notified)
                for wake in self._wakes:
                    wake.set(None)
                while True:
                    await asyncio.sleep(SECONDS_TO_PING)
                    await session.execute("select 1")
            finally:
                session.terminate()

    def _notified(self, _session: object, _pid: int, _channel: str, payload: object) -> None:
        self.notice(str(payload))
