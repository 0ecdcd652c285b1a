"""The publisher: copies ordered events of all streams to Kafka, from where its own rows say it stands.

One a node, by an advisory lock. Its rows move after the acknowledgements and only forward, so that a second publisher,
or the same one after a restart, can only repeat. A send that fails or is not acknowledged in time leaves unknown what
Kafka has and will still get: then the whole process ends, which is why it lives alone in `creditmesh-node relay`. Not
being able to connect is not uncertain: nothing was sent, and it tries again where it is.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Literal, Protocol

import asyncpg
import structlog

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.bus.faults import uncertain_on_failure
from creditmesh.chassis.bus.kafka import unpublished
from creditmesh.chassis.bus.kafka.message import Headers, headers_of, topic_of
from creditmesh.chassis.bus.listen import CHANNEL
from creditmesh.chassis.bus.metrics import LEFT_OUT, PUBLISHED, UNPUBLISHED
from creditmesh.chassis.database.address import DatabaseAddress
from creditmesh.chassis.database.connecting import direct
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.errors import Uncertain
from creditmesh.chassis.packing import Unpackable, size_of

LOCK = 0x6275_7302
"""The advisory lock of the node's publisher."""
EXIT = 75
"""What the process ends with when it is not known what Kafka has: start it again, with jitter."""
BATCH = 1000
LARGEST = 900_000
"""What still fits into a message with Kafka's defaults, in bytes; a larger event comes to readers by refill."""
SECONDS_TO_LOOK = 0.5
SECONDS_TO_TRY = 0.3
SECONDS_TO_CONNECT = 1.0

_log = structlog.get_logger(__name__)


class Sender(Protocol):
    """A connected producer."""

    async def partitions(self, topic: str) -> int:
        """How many partitions the topic has; 0 if it is not there."""

    async def send(self, topic: str, part: int, headers: Headers, data: bytes) -> Any:
        """Hand over a message; what is returned can be awaited for the acknowledgement."""


Connect = Callable[[], AbstractAsyncContextManager[Sender]]


class Publisher:
    """Publishes when no other process does; `state` says what it is doing."""

    def __init__(
        self,
        address: DatabaseAddress,
        connect: Connect,
        *,
        node: str,
        streams: Sequence[str],
        parts: int,
        lease: float = 15.0,
        end: Callable[[int], None] = os._exit,
    ) -> None:
        """`address` is that of the role `<node>_relay`. `end` ends the process at once, with that exit code."""
        self.state: Literal["standing by", "connecting", "publishing"] = "standing by"
        self._address = address
        self._connect = connect
        self._node = node
        self._streams = list(streams)
        self._parts = parts
        self._lease = lease
        self._end = end
        self._woken = asyncio.Event()

    async def run(self) -> None:
        """Wait for the lock, connect, publish, until a session fails."""
        self.state = "standing by"
        pool = Pool(self._address, application_name="publisher", size=1)
        try:
            with uncertain_on_failure("publisher"):
                async with self._leading() as lock, pool.session() as session:
                    self.state = "connecting"
                    async with self._connected(lock) as sender:
                        self.state = "publishing"
                        _log.info("publishing", streams=self._streams)
                        await self._publish_for_ever(lock, session, sender)
        finally:
            await pool.close()

    @asynccontextmanager
    async def _leading(self) -> AsyncIterator[asyncpg.Connection]:
        idle = f"{int(self._lease * 1000)}ms"
        session = await direct(self._address, application_name="publisher lock", idle_session_timeout=idle)
        try:
            while not await session.fetchval("select pg_try_advisory_lock($1)", LOCK):  # noqa: ASYNC110 - another's lock
                await asyncio.sleep(SECONDS_TO_TRY)
            await session.add_listener(CHANNEL, self._notified)
            ping = asyncio.create_task(self._ping(session))
            try:
                yield session
            finally:
                ping.cancel()
                await asyncio.gather(ping, return_exceptions=True)
        finally:
            session.terminate()

    async def _ping(self, session: asyncpg.Connection) -> None:
        while True:
            await asyncio.sleep(self._lease / 4)
            await session.execute("select 1")

    def _notified(self, *_: object) -> None:
        self._woken.set()

    @asynccontextmanager
    async def _connected(self, session: asyncpg.Connection) -> AsyncIterator[Sender]:
        told = False
        async with AsyncExitStack() as stack:
            while isinstance(found := await self._try(stack), str):
                if not told:
                    _log.warning("not publishing yet", waits_for=found)
                told = True
                await asyncio.sleep(SECONDS_TO_CONNECT)
                _check(session)
            yield found

    async def _try(self, stack: AsyncExitStack) -> Sender | str:
        """A connected producer, ended with the stack; or what is missing."""
        try:
            async with AsyncExitStack() as attempt:
                sender = await attempt.enter_async_context(self._connect())
                missing = await self._missing(sender)
                if not missing:
                    stack.push_async_exit(attempt.pop_all())
                    return sender
        except Exception as error:  # noqa: BLE001 - whatever the client raises: nothing was sent yet
            missing = f"Kafka: {type(error).__name__}"
        return missing

    async def _missing(self, sender: Sender) -> str:
        for stream in self._streams:
            topic = topic_of(self._node, stream)
            partitions = await sender.partitions(topic)
            if partitions != self._parts:
                return f"topic {topic} with {self._parts} partitions instead of {partitions}: topics apply"
        return ""

    async def _publish_for_ever(self, lock: asyncpg.Connection, session: Session, sender: Sender) -> None:
        while True:
            _check(lock)
            self._woken.clear()
            if not await self._publish(session, sender):
                with suppress(TimeoutError):
                    async with asyncio.timeout(SECONDS_TO_LOOK):
                        await self._woken.wait()

    async def _publish(self, session: Session, sender: Sender) -> bool:
        waiting = await unpublished.behind(session, self._streams)
        self._measure(waiting)
        events, reached = await unpublished.read(session, waiting, budget=BATCH)
        if reached:
            await self._send(sender, [event for event in events if isinstance(event, Delivered)])
            await unpublished.move(session, reached)
        return bool(reached)

    def _measure(self, waiting: unpublished.Behind) -> None:
        for stream in self._streams:
            UNPUBLISHED.labels(stream).set(sum(head - at for (of, _), (at, head) in waiting.items() if of == stream))

    async def _send(self, sender: Sender, events: Sequence[Delivered]) -> None:
        began = time.monotonic()
        sent, acknowledged = list[Delivered](), list[Any]()
        try:
            async with asyncio.timeout(0.7 * self._lease):
                for event in events:
                    body = _said(event)
                    if body is not None:
                        topic, headers = topic_of(self._node, event.stream), headers_of(event, node=self._node)
                        acknowledged.append(await sender.send(topic, event.part, headers, body))
                        sent.append(event)
                await asyncio.gather(*acknowledged)
        except Exception as error:  # whatever it is, it is not known what Kafka has
            seconds = round(time.monotonic() - began, 1)
            _log.critical("a send is uncertain, the process ends", reason=type(error).__name__, seconds=seconds)
            self._end(EXIT)
            raise Uncertain("a send is uncertain") from error
        for event in sent:
            PUBLISHED.labels(event.stream).inc()


def _check(session: asyncpg.Connection) -> None:
    if session.is_closed():
        raise Uncertain("the publisher's lease was lost")


def _said(event: Delivered) -> bytes | None:
    """The body as Kafka gets it; None: it does not, and readers find it in the stream, and rest there if need be."""
    if size_of(event.data) + len(event.key) <= LARGEST:
        try:
            return event.body
        except Unpackable as error:
            _log.error("left out: cannot be read", event_id=str(event.id), stream=event.stream, reason=str(error))
    LEFT_OUT.labels(event.stream).inc()
    return None
