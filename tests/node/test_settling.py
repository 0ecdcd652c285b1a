"""That a node which settles is waited for, whatever a test does to its sessions meanwhile."""

import asyncio

from creditmesh.chassis.database.session import Session
from tests.support.eventually import eventually
from tests.support.node import TestNode

_END_WHOEVER_ASKS = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where wait_event_type = 'Lock' and datname = current_database() and query like '%bus.event_queue%'
"""

_ONE_MORE = "update bus.event_head set number = number + 1 where part = 0 and stream = $1"


async def test_settling_goes_on_though_its_session_is_ended_under_it(node: TestNode):
    async def ended() -> bool:
        async with node.database.session() as other:
            return bool(await other.fetch(_END_WHOEVER_ASKS))

    reader = next(iter(node.host.readers.consumers))
    async with node.database.session() as session, session.transaction():
        await session.execute(f"lock table {reader}.reader_position in access exclusive mode")
        settling = asyncio.create_task(node.settled())
        await eventually(ended)
    await settling


async def test_a_node_with_an_event_that_a_reader_has_not_passed_does_not_rest(node: TestNode):
    await node.settled()
    streams = {stream for owner in node.host.readers.consumers.values() for stream in owner.streams}
    assert len(streams) > 3
    async with node.database.session() as driver:
        session = Session(driver)
        assert await node.rests(session)
        for stream in streams:
            await session.begin()
            await driver.execute(_ONE_MORE, stream)
            assert not await node.rests(session), stream
            await session.rollback()
