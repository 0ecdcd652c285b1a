"""What only grows is cut: events that all have passed and whose term is over, and nothing that anybody still needs."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest
import structlog

from creditmesh.chassis.bus.declare import StreamOf, declare_streams
from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.bus.stream import kept_events
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.ids import new_id
from creditmesh.chassis.metrics import KEPT_SINCE, PRUNED
from creditmesh.chassis.pruning import OFTEN_SKIPPED, Pruner, keep
from tests.contracts.bus.world import PARTS, Ignored, Noted, World, keys_of, opened
from tests.support.eventually import eventually
from tests.support.postgres import Postgres

NUMBERS = "select number from bus.event_order where stream = 'source' and part = $1 order by number"
BODIES = "select count(*) from bus.event where stream = 'source'"
REPORTED = "select coalesce(sum(number), 0) from bus.event_reader where reader = 'reader' and stream = 'source'"
READ = StreamOf(service="source", readers=frozenset({"reader"}), consumers=frozenset({"reader"}))
HEADS = "select sum(number) from bus.event_head where stream = 'source'"


@pytest.fixture
async def world(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """Its events are two days old: younger ones are never pruned."""
    monkeypatch.setattr("tests.contracts.bus.world.new_id", lambda: _made(datetime.now(UTC) - timedelta(days=2)))
    async with opened(postgres) as world:
        yield world


@dataclass
class Seen:
    ids: list[UUID] = field(default_factory=list)

    def apply(self, event: Delivered) -> None:
        self.ids.append(event.id)


async def prune(world: World, *, term: timedelta = timedelta(0), published: bool = False, batch: int = 1000) -> None:
    async with world.database.pool("ddl", size=1).session() as session:
        await keep(session, {"events": term}, given=["events"])
    await Pruner(world.database.addresses["bus"], [kept_events("source", published=published)], batch=batch).prune()


async def numbers(world: World, part: int) -> list[int]:
    return [row["number"] for row in await world.admin.fetch(NUMBERS, part)]


async def all_is_reported(world: World) -> bool:
    return bool(await world.admin.fetchval(f"select ({REPORTED}) = ({HEADS})"))


async def registered(world: World, reader: str, *, number: int) -> None:
    await world.admin.execute(
        "insert into bus.event_reader (reader, stream, part, number, at)"
        " select $1, 'source', part, $2, now() from generate_series(0, $3 - 1) as part",
        reader,
        number,
        PARTS,
    )


async def test_consumers_and_replicas_go_on_after_what_they_passed_was_pruned(world: World):
    keys = [key for part in range(PARTS) for key in keys_of(part, 5)]
    seen = Seen()
    replica = world.replica(seen)
    following = asyncio.create_task(replica.run())
    async with world.reading() as reading:
        ids = await world.write(*keys * 10) + await world.write(*keys, event=Noted)
        ignored = await world.write(*keys, event=Ignored)
        await reading.consumer.caught_up()
        await replica.caught_up()
        await eventually(lambda: all_is_reported(world))
        before = PRUNED.labels("events", "source")._value.get()
        await prune(world, batch=7)
        assert PRUNED.labels("events", "source")._value.get() - before == len(ids) + len(ignored)
        assert await world.admin.fetchval("select count(*) from bus.event_order where stream = 'source'") == 0
        assert await world.admin.fetchval(BODIES) == 0
        ids += await world.write(*keys) + await world.write(*keys, event=Noted)
        await reading.consumer.caught_up()
        await replica.caught_up()
        assert reading.uncertain == []
        assert reading.consumer.alarms == {}
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    assert sorted(await world.effects()) == sorted(ids)
    assert sorted(seen.ids) == sorted(ids + ignored)
    assert replica.alarms == {}


async def test_a_service_keeps_its_own_outbox_table_though_its_events_are_pruned(world: World):
    await world.write("k", "k", event=Noted)
    await prune(world)
    assert await world.admin.fetchval("select count(*) from bus.event_order where stream = 'source'") == 0
    assert await world.admin.fetchval("select count(*) from source.fact") == 2


async def test_a_reader_that_has_not_passed_keeps_its_events(world: World):
    await world.write(*keys_of(0, 1) * 6)
    await registered(world, "quick", number=6)
    await registered(world, "slow", number=2)
    await prune(world)
    assert await numbers(world, 0) == [3, 4, 5, 6]
    assert await world.admin.fetchval(BODIES) == 4


async def test_a_service_that_never_ran_keeps_the_events_it_is_declared_to_read(world: World):
    await redeclared(world, READ)
    await world.write(*keys_of(0, 1) * 3)
    await prune(world)
    assert await numbers(world, 0) == [1, 2, 3]
    async with world.reading() as reading:
        await reading.consumer.caught_up()
        assert len(await world.effects()) == 3


async def test_a_service_that_never_ran_keeps_them_on_a_node_that_was_written_to_before_it_pruned(world: World):
    await world.write(*keys_of(0, 1) * 3)
    await world.admin.execute(
        "delete from bus.event_pruned; delete from bus.event_reader"
    )  # as an older version left it
    await redeclared(world, READ)
    await prune(world)
    assert await numbers(world, 0) == [1, 2, 3]
    async with world.reading() as reading:
        await reading.consumer.caught_up()
        assert len(await world.effects()) == 3


async def test_a_reader_that_is_declared_after_something_was_pruned_holds_nothing(world: World):
    await world.write(*keys_of(0, 1) * 3)
    await prune(world)
    await redeclared(world, READ)
    assert await world.admin.fetchval("select count(*) from bus.event_reader where reader = 'reader'") == 0


@pytest.mark.parametrize("events", [0, 3])
async def test_a_reader_that_was_evicted_does_not_come_back_with_the_next_migration(world: World, events: int):
    await redeclared(world, READ)
    await world.write(*keys_of(0, 1) * events)
    async with world.database.session("bus") as session:
        await session.execute("select bus.evict('reader', 'source')")
    await redeclared(world, READ)
    await world.write(*keys_of(0, 1) * 2)
    await prune(world)
    assert await numbers(world, 0) == []


async def test_a_reader_that_is_put_on_the_list_counts_from_where_it_stands_and_migrate_says_how_far_behind(
    world: World,
):
    await world.write(*keys_of(0, 1) * 3)
    async with world.reading() as reading:
        await reading.consumer.caught_up()
    await world.write(*keys_of(0, 1) * 2)
    await world.admin.execute("delete from bus.event_reader where reader = 'reader'")
    with structlog.testing.capture_logs() as logs:
        await redeclared(world, READ)
    assert await world.admin.fetchval("select number from bus.event_reader where reader = 'reader' and part = 0") == 3
    assert [(line["reader"], line["stream"], line["behind"]) for line in logs] == [("reader", "source", 2)]


async def test_a_reader_that_runs_is_not_evicted(world: World):
    await world.write("k")
    async with world.database.session("bus") as session:
        async with world.reading() as reading:
            await reading.consumer.caught_up()
            with pytest.raises(asyncpg.ObjectInUseError, match="stop its processes first"):
                await session.execute("select bus.evict('reader', 'source')")
            assert await world.admin.fetchval("select count(*) from bus.event_reader where reader = 'reader'") > 0
        await eventually(lambda: evicted(session))


async def test_another_lock_of_a_readers_role_does_not_keep_it_on_the_list(world: World):
    await registered(world, "reader", number=0)
    async with world.database.session("bus") as session, world.database.session("reader") as reader:
        await reader.execute("select pg_advisory_lock_shared(1, 9999)")
        assert await session.fetchval("select bus.evict('reader', 'source')") == PARTS


async def evicted(session: asyncpg.Connection) -> bool:
    try:
        return bool(await session.fetchval("select bus.evict('reader', 'source')"))
    except asyncpg.ObjectInUseError:
        return False


async def test_what_kafka_does_not_have_yet_is_kept(world: World):
    await world.write(*keys_of(0, 1) * 5)
    await prune(world, published=True)
    assert await numbers(world, 0) == [1, 2, 3, 4, 5]
    await world.admin.execute("update bus.event_published set number = 3 where stream = 'source' and part = 0")
    await prune(world, published=True)
    assert await numbers(world, 0) == [4, 5]


async def test_what_is_younger_than_a_day_is_kept_whatever_is_asked(world: World):
    await world.write(*keys_of(0, 1) * 3)
    await _dated(world, 2, datetime.now(UTC) - timedelta(hours=23))
    async with world.database.session("bus") as session:
        await session.execute("select bus.prune_events('source', now() + interval '100 years', 1000, false)")
    assert await numbers(world, 0) == [2, 3]


async def test_on_kafka_what_was_not_published_is_kept_though_the_caller_denies_kafka(world: World):
    await world.write(*keys_of(0, 1) * 5)
    await world.admin.execute("update bus.event_published set number = 3 where stream = 'source' and part = 0")
    await prune(world, published=False)
    assert await numbers(world, 0) == [4, 5]


async def test_only_what_stands_before_the_first_young_event_goes(world: World):
    old, young = (datetime.now(UTC) - timedelta(days=days) for days in (40, 3))
    await world.write(*keys_of(0, 1) * 6)
    for number, at in ((1, old), (2, old), (3, young), (4, old), (5, young), (6, old)):
        await _dated(world, number, at)
    await prune(world, term=timedelta(days=30))
    assert await numbers(world, 0) == [3, 4, 5, 6]
    kept_since = KEPT_SINCE.labels("events", "source")._value.get()
    assert abs(kept_since - young.timestamp()) < 1


async def test_an_id_from_a_time_to_come_does_not_hold_its_part(world: World):
    await world.write(*keys_of(0, 1) * 3)
    for number in (1, 3):
        await _dated(world, number, datetime.now(UTC) - timedelta(days=40))
    await _dated(world, 2, datetime(2900, 1, 1, tzinfo=UTC))
    await prune(world, term=timedelta(days=30))
    assert await numbers(world, 0) == []


async def test_the_stream_that_everybody_follows_stays_whole(world: World):
    await redeclared(world, StreamOf(service="source", readers=frozenset({"reader"}), whole=True))
    ids = await world.write(*keys_of(0, 1) * 5)
    await prune(world)
    assert await numbers(world, 0) == [1, 2, 3, 4, 5]
    seen = Seen()
    replica = world.replica(seen)
    task = asyncio.create_task(replica.run())
    await replica.caught_up()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert seen.ids == ids


async def test_a_reader_below_what_was_pruned_finds_a_hole_and_jumps_nothing(world: World):
    await world.write(*keys_of(0, 1) * 5)
    await prune(world)
    await world.write(*keys_of(0, 1))
    async with world.reading() as reading:
        await eventually(lambda: bool(reading.consumer.alarms))
        assert "hole" in str(reading.consumer.alarms["source", 0])
        assert await world.effects() == []
        assert await world.position(0) == 0


async def test_one_process_at_a_time_prunes(world: World):
    await world.write(*keys_of(0, 1) * 3)
    async with world.database.session("bus") as other:
        async with other.transaction():
            await other.execute("select pg_advisory_xact_lock(hashtextextended('pruner ' || session_user, 0))")
            await prune(world)
            kept_out = Pruner(world.database.addresses["bus"], [kept_events("source", published=False)])
            with structlog.testing.capture_logs() as logs:
                for _ in range(OFTEN_SKIPPED - 1):
                    await kept_out.prune()
                assert logs == [], "another process's batch is nothing to tell"
                await kept_out.prune()
            assert [each["log_level"] for each in logs] == ["warning"]
            assert await numbers(world, 0) == [1, 2, 3]
        await prune(world)
    assert await numbers(world, 0) == []


@pytest.mark.parametrize("role", ["source", "reader", "relay"])
async def test_nobody_but_the_bus_prunes_and_it_deletes_nothing_by_itself(world: World, role: str):
    async with world.database.session(role) as session:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await session.execute("select bus.prune_events('source', now(), 1, false)")
    async with world.database.session("bus") as session:
        for table in ("event", "event_order", "event_pruned", "event_reader"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await session.execute(f"delete from bus.{table}")


async def test_an_old_node_reads_and_prunes_with_as_few_pages_as_a_new_one(world: World):
    key = keys_of(0, 1)[0]
    await world.write(*[key] * 200)
    new = await _pages(world, "select * from bus.read_source('{0}', '{100}', 100)")
    for _ in range(10):
        await world.write(*[key] * 2000)
    await prune(world)
    assert await numbers(world, 0) == []
    await world.write(*[key] * 200)
    old = await _pages(world, "select * from bus.read_source('{0}', '{20300}', 100)")
    assert old < 1.6 * new, (old, new)  # an index of 20,000 dead rows is one level higher than one of 200
    nothing = "select * from bus.prune_events('source', now() - interval '1 day', 1000, false)"
    assert await _pages(world, nothing) < 60


async def test_what_is_pruned_is_room_for_what_comes(world: World):
    sizes = []
    for _ in range(5):
        await world.write(*[key for part in range(PARTS) for key in keys_of(part, 1)] * 500)
        await prune(world)
        await world.admin.execute("vacuum bus.event, bus.event_order")
        sizes.append(
            await world.admin.fetchval(
                "select pg_total_relation_size('bus.event') + pg_total_relation_size('bus.event_order')"
            )
        )
    assert sizes[-1] <= 1.1 * sizes[1], sizes  # an index page that is empty is used again after one more vacuum


async def redeclared(world: World, *streams: StreamOf) -> None:
    async with world.database.session("ddl") as session:
        await declare_streams(Session(session), node="city", streams=streams)


def _made(at: datetime) -> UUID:
    """An id of that time."""
    return UUID(f"{int(at.timestamp() * 1000):012x}" + new_id().hex[12:])


async def _dated(world: World, number: int, at: datetime) -> None:
    """Give an event of part 0 an id of that time."""
    made = _made(at)
    where = "stream = 'source' and part = 0 and number = $1"
    was = await world.admin.fetchval(f"select event from bus.event_order where {where}", number)
    await world.admin.execute("update bus.event set id = $2 where id = $1", was, made)
    await world.admin.execute(f"update bus.event_order set event = $2 where {where}", number, made)


async def _pages(world: World, statement: str) -> int:
    """The pages that a statement touches when it is run again, whatever of them is in memory."""
    for _ in range(2):
        [(plan,)] = await world.admin.fetch(f"explain (analyze, buffers, format json) {statement}")
    top = json.loads(plan)[0]["Plan"]
    return int(top["Shared Hit Blocks"] + top["Shared Read Blocks"])
