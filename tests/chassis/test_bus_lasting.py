"""What is waited for until it is on the disk: all but what is only projected, and that before anybody is told of it."""

from collections.abc import AsyncIterator, Sequence

import pytest

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.bus.queue import Outgoing
from creditmesh.chassis.bus.stream import until_it_lasts
from creditmesh.chassis.ids import new_id
from tests.contracts.bus.world import Happened, Noted, Work, World, opened, write_down
from tests.support.postgres import Postgres

# The trigger is deferred: it runs at the commit, and finds how that is made.
WATCH = """
    create table reader.commit_made (place bigint generated always as identity, waits text);
    create function reader.note_commit() returns trigger language plpgsql security definer as $$ begin
        insert into reader.commit_made (waits) values (current_setting('synchronous_commit'));
        return null;
    end $$;
    create constraint trigger noted after insert on reader.effect
        deferrable initially deferred for each row execute function reader.note_commit();
"""


@pytest.fixture
async def world(postgres: Postgres) -> AsyncIterator[World]:
    async with opened(postgres) as world:
        await world.admin.execute(WATCH)
        yield world


async def made(world: World) -> list[str]:
    return [row["waits"] for row in await world.admin.fetch("select waits from reader.commit_made order by place")]


async def write_and_tell(work: Work, events: Sequence[Delivered]) -> None:
    await write_down(work, events)
    work.outgoing.append(Outgoing(id=new_id(), part=0, type=Happened.type, version=1, key="k", data=b'{"about": "k"}'))


async def test_a_batch_that_only_projects_does_not_wait_for_the_disk(world: World):
    async with world.reading(projects=(Happened,)) as reading:
        await world.write("k")
        await reading.consumer.caught_up()
        assert await made(world) == ["off"]
        await world.write("k", event=Noted)
        await reading.consumer.caught_up()
    assert await made(world) == ["off", "on"]


async def test_a_batch_in_which_anything_else_is_handled_waits(world: World):
    await world.write("k")
    await world.write("k", event=Noted)
    async with world.reading(projects=(Happened,)) as reading:
        await reading.consumer.caught_up()
    assert await made(world) == ["on", "on"]


async def test_a_batch_that_tells_of_what_it_did_waits(world: World):
    await world.write("k")
    async with world.reading(write_and_tell, projects=(Happened,)) as reading:
        await reading.consumer.caught_up()
    assert await made(world) == ["on"]


async def test_a_reader_that_declares_nothing_waits(world: World):
    await world.write("k")
    async with world.reading() as reading:
        await reading.consumer.caught_up()
    assert await made(world) == ["on"]


async def test_what_was_not_waited_for_lasts_before_it_is_told_outside(world: World):
    async with world.pool.session() as session:
        await session.begin()
        await session.execute(
            "insert into reader.effect (stream, part, number, event, type, key) values ('s', 0, 0, :id, 't', 'k')",
            {"id": new_id()},
        )
        await session.commit(lasting=False)
        inserted = await session.value("select pg_current_wal_insert_lsn()")
        await until_it_lasts(session)
        assert await session.value("select pg_current_wal_flush_lsn() >= :lsn", {"lsn": inserted})
