"""How fast a node that comes back works off what was queued while it was away: ordered, then applied.

The node is stopped, the stream of ingestion and its reader are set back to nothing, the revisions that stand are queued
again as if they had just been written, and the node is started.
"""

import asyncio
import time

import asyncpg

from bench import cost
from bench.figures import Table
from bench.ingest import Result, Taking, Way
from bench.standing import Standing, drained

EVENTS = 20_000
_RESET = """
delete from bus.event_queue;
delete from bus.event_order where stream = 'ingestion';
update bus.event_head set number = 0, last = null where stream = 'ingestion';
update bus.event_published set number = 0 where stream = 'ingestion';
update bus.event_reader set number = 0 where stream = 'ingestion';
update query.reader_position set number = 0, last = null, hint = null where stream = 'ingestion';
truncate query.record, query.public_record;
"""
_QUEUE = """
insert into bus.event_queue (stream, part, type, event)
select 'ingestion', part, 'record.changed', id from ingestion.revision order by id limit $1
"""
_ORDERED = "select coalesce(sum(number), 0)::int from bus.event_head where stream = 'ingestion'"


async def measure(standing: Standing) -> Table:
    """From the first event that has its number to the last, and to the last that stands in the read model."""
    node = standing.node.children["node"]
    async with standing.session() as session:
        taking = Taking(standing, session)
        while await session.fetchval("select count(*) from ingestion.revision") < EVENTS:
            await taking.send(Way("new", 2), Result())
        await asyncio.to_thread(node.stop)
        await session.execute(_RESET)
        await session.execute(_QUEUE, EVENTS)
        await session.execute("vacuum analyze")
        before = cost.seconds(standing.postgres)
        node = standing.node.children["node"] = node.restarted()
        first, began = await _until(session, 1)
        last, ordered = await _until(session, EVENTS)
        spent = cost.seconds(standing.processes[-1])
        await drained(session)
        applied = time.perf_counter()
    await asyncio.to_thread(node.ready)
    table = Table(f"backlog: {EVENTS:,} record.changed queued, embedded bus, one process")
    table.rows = [
        {"": "ordered", "events/s": (last - first) / (ordered - began)},
        {
            "": "applied to both read models",
            "events/s": (EVENTS - first) / (applied - began),
            "node us": (cost.seconds(standing.processes[-1]) - spent) / EVENTS * 1e6,
            "server us": (cost.seconds(standing.postgres) - before) / EVENTS * 1e6,
        },
    ]
    table.notes = ["node us: CPU an event after all were ordered; server us: CPU an event from the node's start on."]
    return table


async def _until(session: asyncpg.Connection, number: int) -> tuple[int, float]:
    async with asyncio.timeout(60):
        while (ordered := await session.fetchval(_ORDERED)) < number:  # noqa: ASYNC110 - in the database
            await asyncio.sleep(0.002)
    return ordered, time.perf_counter()
