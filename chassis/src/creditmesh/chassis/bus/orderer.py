"""The orderer: gives every queued event the next dense number of its part and the event before it.

One a node. It reads the queue in the order of its ids, which were drawn under the subjects' locks, and never by
`id > last`: a row that commits late is not passed over. The advisory lock is a courtesy between orderers; the row of
the epoch, locked first in every batch (`bus.order_queued`), is what makes two of them harmless. Its role may run the
functions of ordering and of readers, and nothing else: it reads no body and no table of the queue.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import structlog

from creditmesh.chassis.bus.faults import uncertain_on_failure
from creditmesh.chassis.bus.listen import CHANNEL
from creditmesh.chassis.bus.metrics import ORDERED, QUEUE_AGE, QUEUE_LENGTH, UNORDERED
from creditmesh.chassis.database.address import DatabaseAddress
from creditmesh.chassis.database.connecting import direct
from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.errors import MeshError, Uncertain

LOCK = 0x6275_7301
"""The advisory lock of the node's orderer."""
SECONDS_TO_PEEK = 0.02
"""How soon it sees what another process has queued; its own process wakes it."""
SECONDS_TO_PEEK_IN_REST, SECONDS_TO_REST = 0.1, 2.0
"""The same once nothing has come for so long: an idle node is to cost next to nothing."""
SECONDS_BETWEEN, SECONDS_BETWEEN_AT_MOST, SECONDS_FOR_EACH = 0.005, 0.02, 0.002
"""What comes sooner after the last ordering waits for the rest of it: under load one ordering, one notice and one
reading then serve several requests, the more the more came, and an event that comes alone waits for nothing."""
SECONDS_TO_TRY = 0.3
BATCH = 1000
_SECONDS_TO_MEASURE = 5.0
_REPEATED = "23505"
_DEPOSED = "55000"

_log = structlog.get_logger(__name__)

# Told in the ordering's own transaction. PostgreSQL refuses a notice of 8,000 bytes: a long one names its streams only.
_ORDER = """
    select ordered, refused, news,
           case when news <> '' then pg_notify(:channel, case when length(news) <= 7500 then news else
               (select string_agg(distinct split_part(word, ':', 1), ' ') from regexp_split_to_table(news, ' ') word)
           end) end
      from bus.order_queued(:epoch, :batch)
"""
_DROP_REPEATED = "select bus.drop_repeated(:epoch)"
_MEASURE = "select length, age from bus.queue_state()"
_LEAD = "select bus.lead()"
_TRY = "select pg_try_advisory_lock(cast(:lock as bigint))"
_CACHE = """
    select s.seqcache from pg_sequence s
     where s.seqrelid = pg_get_serial_sequence('bus.event_queue', 'id')::regclass
"""
_HEADS = """
    select bool_and(parts = (select parts from bus.node))
      from (select count(*) as parts from bus.event_head group by stream) each
"""


def seconds_between(ordered: int) -> float:
    """How long after the beginning of an ordering of so many events the next one begins."""
    return min(max(ordered * SECONDS_FOR_EACH, SECONDS_BETWEEN), SECONDS_BETWEEN_AT_MOST)


class Unordered(MeshError):
    """The queue is not as it must be for an order to be given; nothing was taken from it."""


class Orderer:
    """Leads the ordering when no other process does; `wake` it after commits of its own process."""

    def __init__(
        self,
        address: DatabaseAddress,
        *,
        lease: float = 15.0,
        batch: int = BATCH,
        notify: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`notify` is given each notice at once, for the readers of this process."""
        self._address = address
        self._lease = lease
        self._batch = batch
        self._notify = notify
        self._woken = asyncio.Event()
        self._measured = 0.0

    def wake(self) -> None:
        """There is something in the queue."""
        self._woken.set()

    async def run(self) -> None:
        """Wait for the lead, then order until the session or the lead is lost."""
        with uncertain_on_failure("orderer"):
            session = await self._session()
            try:
                await check(session)
                while not await session.value(_TRY, {"lock": LOCK}):  # noqa: ASYNC110 - another's lock
                    await asyncio.sleep(SECONDS_TO_TRY)
                await self._lead(session, await take_epoch(session))
            finally:
                session.end()
                QUEUE_LENGTH.set(0)
                QUEUE_AGE.set(0)

    async def _session(self) -> Session:
        milliseconds = f"{int(self._lease * 1000)}ms"
        limits = {"idle_in_transaction_session_timeout": milliseconds, "statement_timeout": milliseconds}
        return Session(
            await direct(self._address, application_name="orderer", idle_session_timeout=milliseconds, settings=limits)
        )

    async def _lead(self, session: Session, epoch: int) -> None:
        _log.info("orderer leads", epoch=epoch)
        loop = asyncio.get_running_loop()
        came = loop.time()
        while True:
            self._woken.clear()
            began = loop.time()
            ordered, news = await order(session, epoch, batch=self._batch)
            if news:
                came = loop.time()
                self._notify(news)
            await self._measure(session, idle=not ordered)
            if ordered == self._batch:
                continue
            if ordered:
                await asyncio.sleep(began + seconds_between(ordered) - loop.time())
            with suppress(TimeoutError):
                rests = loop.time() - came > SECONDS_TO_REST
                async with asyncio.timeout(SECONDS_TO_PEEK_IN_REST if rests else SECONDS_TO_PEEK):
                    await self._woken.wait()

    async def _measure(self, session: Session, *, idle: bool) -> None:
        now = asyncio.get_running_loop().time()
        if idle:
            QUEUE_LENGTH.set(0)
            QUEUE_AGE.set(0)
        elif now - self._measured > _SECONDS_TO_MEASURE:
            self._measured = now
            [(length, age)] = await session.fetch(_MEASURE)
            QUEUE_LENGTH.set(length)
            QUEUE_AGE.set(age)


async def check(session: Session) -> None:
    """Unordered, in words, if the queue's ids are drawn ahead or a stream has not exactly the node's parts."""
    if await session.value(_CACHE) != 1:
        raise Unordered("the ids of bus.event_queue must be drawn one at a time: set its identity to cache 1")
    if await session.value(_HEADS) is False:
        raise Unordered("a stream has another number of parts than the node; it is fixed for life")


async def take_epoch(session: Session) -> int:
    """Begin a new epoch: whoever led before finds out in their next batch."""
    epoch: int = await session.value(_LEAD)
    return epoch


async def order(session: Session, epoch: int, *, batch: int = BATCH) -> tuple[int, str]:
    """Give numbers to at most `batch` queued events and tell; how many, and which. Uncertain if another leads."""
    try:
        return await _order(session, epoch, batch)
    except DatabaseError as error:
        if error.sqlstate != _REPEATED:
            raise
        _log.exception("an event stood in the queue twice; the repeat is dropped")
        await session.execute(_DROP_REPEATED, {"epoch": epoch})
        return await _order(session, epoch, batch)


async def _order(session: Session, epoch: int, batch: int) -> tuple[int, str]:
    try:
        values = {"epoch": epoch, "batch": batch, "channel": CHANNEL}
        [(ordered, refused, news, _)] = await session.fetch(_ORDER, values)
    except DatabaseError as error:
        if error.sqlstate == _DEPOSED:
            raise Uncertain("another orderer leads") from error
        raise
    if refused:
        UNORDERED.inc(refused)
        _log.error("queued for a stream or a part that has no head; set aside in bus.event_refused", events=refused)
    ORDERED.inc(ordered)
    return ordered, news or ""
