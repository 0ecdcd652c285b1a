"""That a node which settles is waited for, whatever a test does to its sessions meanwhile."""

import asyncio

import asyncpg

from tests.support.eventually import eventually
from tests.support.node import TestNode

_END_WHOEVER_ASKS = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where wait_event_type = 'Lock' and datname = current_database() and application_name like 'city/%'
"""


async def test_settling_goes_on_though_its_session_is_ended_under_it(node: TestNode):
    async def ended() -> bool:
        return bool(await session.fetch(_END_WHOEVER_ASKS))

    async with node.database.session() as session:
        await _hold_positions(session, next(iter(node.host.readers.consumers)))
        settling = asyncio.create_task(node.settled())
        await eventually(ended)
        await session.execute("rollback")
    await settling


async def _hold_positions(session: asyncpg.Connection, reader: str) -> None:
    """Let none learn how far that reader is."""
    await session.execute("begin")
    await session.execute(f"lock table {reader}.reader_position in access exclusive mode")
