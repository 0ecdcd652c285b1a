"""The orderer: gives every queued event the next dense number of its part and the event before it.

One a node. It reads the queue in the order of its ids, which were drawn under the subjects' locks, and never by
`id > last`: a row that commits late is not passed over. The advisory lock is a courtesy between orderers; the row of
the epoch, locked first in every batch, is what makes two of them harmless.
"""

import asyncio
from contextlib import suppress

import asyncpg
import structlog

from creditmesh.chassis.bus.doubt import in_doubt
from creditmesh.chassis.bus.listen import CHANNEL
from creditmesh.chassis.bus.metrics import ORDERED, QUEUE_AGE, QUEUE_LENGTH
from creditmesh.chassis.database.address import Address
from creditmesh.chassis.database.connecting import direct
from creditmesh.chassis.errors import Doubt, MeshError

LOCK = 0x6275_7301
"""The advisory lock of the node's orderer."""
SECONDS_TO_PEEK = 0.02
"""How soon it sees what another process has queued; its own process wakes it."""
SECONDS_TO_PEEK_IN_REST, SECONDS_TO_REST = 0.1, 2.0
"""The same once nothing has come for so long: an idle node is to cost next to nothing."""
SECONDS_TO_TRY = 0.3
BATCH = 1000
_SECONDS_TO_MEASURE = 5.0

_log = structlog.get_logger(__name__)

# The ids come as an array, and every list is walked once: there is no join of two long lists that the planner, which
# cannot know how long they will be, could take for short.
_ORDER = f"""
with gone as (
    delete from bus.event_queue where id = any(array(select id from bus.event_queue order by id limit $1))
    returning id, stream, part, type, event
), taken as (
    select *, row_number() over same as place, lag(event) over same as before
      from gone
    window same as (partition by stream, part order by id)
), counted as (
    select stream, part, count(*) as n, (array_agg(event order by id desc))[1] as last from taken group by stream, part
), moved as (
    update bus.event_head h set number = h.number + c.n, last = c.last
      from counted c, bus.event_head was
     where h.stream = c.stream and h.part = c.part and was.stream = c.stream and was.part = c.part
    returning h.stream, h.part, h.number - c.n as base, was.last as before
), ordered as (
    insert into bus.event_order (stream, part, number, type, event, before)
    select t.stream, t.part, m.base + t.place, t.type, t.event, coalesce(t.before, m.before)
      from taken t join moved m using (stream, part)
    returning stream
)
select count(*) as ordered, (select count(*) from taken) as taken,
       case when count(*) > 0 then pg_notify('{CHANNEL}', string_agg(distinct stream, ' ')) end as told
  from ordered
"""
_PEEK = "select 1 from bus.event_queue order by id limit 1"
_MEASURE = """
select count(*) as length, coalesce(extract(epoch from clock_timestamp() - min(at)), 0)::float8 as age
  from bus.event_queue
"""
_REPEATED = """
delete from bus.event_queue q
 where exists (select from bus.event_order o where o.event = q.event)
    or exists (select from bus.event_queue e where e.event = q.event and e.id < q.id)
"""
_CACHE = """
select s.seqcache from pg_sequence s
 where s.seqrelid = pg_get_serial_sequence('bus.event_queue', 'id')::regclass
"""
_HEADS = """
select bool_and(parts = (select parts from bus.node))
  from (select count(*) as parts from bus.event_head group by stream) each
"""


class Unordered(MeshError):
    """The queue holds what cannot be ordered; nothing was taken from it."""


class Orderer:
    """Leads the ordering when no other process does; `wake` it after commits of its own process."""

    def __init__(self, address: Address, *, lease: float = 15.0, batch: int = BATCH) -> None:
        self._address = address
        self._lease = lease
        self._batch = batch
        self._woken = asyncio.Event()
        self._measured = 0.0

    def wake(self) -> None:
        """There is something in the queue."""
        self._woken.set()

    async def run(self) -> None:
        """Wait for the lead, then order until the session or the lead is lost."""
        with in_doubt("orderer"):
            session = await self._session()
            try:
                await check(session)
                while not await session.fetchval("select pg_try_advisory_lock($1)", LOCK):  # noqa: ASYNC110 - another's lock
                    await asyncio.sleep(SECONDS_TO_TRY)
                await self._lead(session, await take_epoch(session))
            finally:
                session.terminate()

    async def _session(self) -> asyncpg.Connection:
        milliseconds = f"{int(self._lease * 1000)}ms"
        limits = {"idle_in_transaction_session_timeout": milliseconds, "statement_timeout": milliseconds}
        return await direct(
            self._address, application_name="orderer", idle_session_timeout=milliseconds, settings=limits
        )

    async def _lead(self, session: asyncpg.Connection, epoch: int) -> None:
        _log.info("orderer leads", epoch=epoch)
        loop = asyncio.get_running_loop()
        came = loop.time()
        while True:
            self._woken.clear()
            if await session.fetchval(_PEEK):
                came = loop.time()
                await self._measure(session)
                if await order(session, epoch, batch=self._batch) == self._batch:
                    continue
            else:
                QUEUE_LENGTH.set(0)
                QUEUE_AGE.set(0)
            with suppress(TimeoutError):
                rests = loop.time() - came > SECONDS_TO_REST
                async with asyncio.timeout(SECONDS_TO_PEEK_IN_REST if rests else SECONDS_TO_PEEK):
                    await self._woken.wait()

    async def _measure(self, session: asyncpg.Connection) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._measured > _SECONDS_TO_MEASURE:
            self._measured = now
            [(length, age)] = await session.fetch(_MEASURE)
            QUEUE_LENGTH.set(length)
            QUEUE_AGE.set(age)


async def check(session: asyncpg.Connection) -> None:
    """Unordered, in words, if the queue's ids are drawn ahead or a stream has not exactly the node's parts."""
    if await session.fetchval(_CACHE) != 1:
        raise Unordered("the ids of bus.event_queue must be drawn one at a time: set its identity to cache 1")
    if await session.fetchval(_HEADS) is False:
        raise Unordered("a stream has another number of parts than the node; it is fixed for life")


async def take_epoch(session: asyncpg.Connection) -> int:
    """Begin a new epoch: whoever led before finds out in their next batch."""
    epoch: int = await session.fetchval(
        "update bus.event_leader set epoch = epoch + 1 where role = 'orderer' returning epoch"
    )
    return epoch


async def order(session: asyncpg.Connection, epoch: int, *, batch: int = BATCH) -> int:
    """Give numbers to at most `batch` queued events; returns to how many. Doubt if the epoch is another's."""
    try:
        return await _order(session, epoch, batch)
    except asyncpg.UniqueViolationError:
        _log.exception("an event stood in the queue twice; the repeat is dropped")
        async with session.transaction():
            await _hold_epoch(session, epoch)
            await session.execute(_REPEATED)
        return await _order(session, epoch, batch)


async def _order(session: asyncpg.Connection, epoch: int, batch: int) -> int:
    async with session.transaction():
        await _hold_epoch(session, epoch)
        [(ordered, taken, _)] = await session.fetch(_ORDER, batch)
        if ordered != taken:
            raise Unordered("the queue holds events of a stream or a part that has no head")
    ORDERED.inc(ordered)
    return int(ordered)


async def _hold_epoch(session: asyncpg.Connection, epoch: int) -> None:
    # It must be a statement of its own: the next one then sees all that the former leader committed.
    if await session.fetchval("select epoch from bus.event_leader where role = 'orderer' for update") != epoch:
        raise Doubt("another orderer leads")
