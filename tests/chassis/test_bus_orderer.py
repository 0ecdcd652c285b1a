"""The orderer: dense numbers and an unbroken chain, whoever else leads, writes or is late."""

import asyncio
import time
from collections.abc import AsyncIterator

import asyncpg
import pytest

from creditmesh.chassis.bus import orderer
from creditmesh.chassis.bus.event import part_of
from creditmesh.chassis.bus.metrics import UNORDERED
from creditmesh.chassis.bus.orderer import Orderer, Unordered, seconds_between
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.errors import Uncertain
from tests.contracts.bus.world import PARTS, Ignored, World, keys_of, opened
from tests.support.eventually import eventually
from tests.support.postgres import Postgres

CHAIN = """
select count(*) from (
    select number, before, lag(event) over w as last, lag(number, 1, 0::bigint) over w as previous
      from bus.event_order window w as (partition by stream, part order by number)
) o where o.number <> o.previous + 1 or o.before is distinct from o.last
"""


@pytest.fixture
async def world(postgres: Postgres) -> AsyncIterator[World]:
    async with opened(postgres) as world:
        yield world


async def test_a_row_that_commits_late_is_not_passed_over(world: World):
    async with world.source.session() as slow:
        await slow.begin()
        early = await world.gather(slow, "k")
        (fast,) = await world.emit("k")
        await world.order()
        await slow.commit()
    await world.order()
    rows = await world.admin.fetch("select number, event from bus.event_order order by number")
    assert [tuple(row) for row in rows] == [(1, fast), (2, early[0])]


@pytest.mark.parametrize("events", [7, 29, 30, 1500])
async def test_the_order_of_a_transaction_is_the_order_in_which_it_emitted(world: World, events: int):
    ids = await world.emit(*["k"] * events)
    await world.order()
    rows = await world.admin.fetch("select event from bus.event_order order by number")
    assert [row["event"] for row in rows] == ids
    assert await world.admin.fetchval(CHAIN) == 0


async def test_many_events_are_queued_in_few_records_of_the_log(world: World):
    records = "select wal_records from pg_stat_get_backend_wal(pg_backend_pid())"
    async with world.source.session() as session:
        await session.execute("select pg_stat_force_next_flush()")
        before = await session.value(records)
        await session.begin()
        await world.gather(session, *["k"] * 1000)
        await session.commit()
        await session.execute("select pg_stat_force_next_flush()")
        written = await session.value(records) - before
    # One for each entry of the two keys, of body and queue; the rows themselves are written by the page.
    assert written < 2_300


async def test_two_orderers_at_once_leave_no_gap_and_no_broken_link(world: World):
    keys = [key for part in range(4) for key in keys_of(part, 3)]
    stop = asyncio.Event()
    epochs = 0

    async def lead_without_courtesy() -> None:
        nonlocal epochs
        async with world.database.session("bus") as driver:
            session = Session(driver)
            while not stop.is_set():
                epoch = await orderer.take_epoch(session)
                epochs += 1
                try:
                    while not stop.is_set():
                        await orderer.order(session, epoch, batch=7)
                        await asyncio.sleep(0)
                except Uncertain:
                    continue

    leaders = [asyncio.create_task(lead_without_courtesy()) for _ in range(3)]
    ids = [id_ for _ in range(60) for id_ in await world.emit(*keys)]
    await eventually(lambda: _empty(world))
    stop.set()
    await asyncio.gather(*leaders)
    assert epochs > 3
    assert await world.admin.fetchval(CHAIN) == 0
    assert await world.admin.fetchval("select count(*) from bus.event_order") == len(ids)
    heads = await world.admin.fetchval(
        "select count(*) from bus.event_head h where stream = 'source' and row(number, last) is distinct from"
        " (select row(o.number, o.event) from bus.event_order o where o.part = h.part order by o.number desc limit 1)"
    )
    assert heads == 0


async def test_an_orderer_of_a_former_epoch_orders_nothing(world: World):
    await world.emit("k")
    async with world.database.session("bus") as driver:
        session = Session(driver)
        old = await orderer.take_epoch(session)
        await orderer.take_epoch(session)
        with pytest.raises(Uncertain):
            await orderer.order(session, old)
    assert await world.admin.fetchval("select count(*) from bus.event_queue") == 1


async def test_the_lead_passes_on_when_its_session_ends(world: World):
    orderers = [Orderer(world.database.addresses["bus"], lease=5) for _ in range(2)]
    tasks = [asyncio.create_task(each.run()) for each in orderers]
    await world.emit("k")
    await eventually(lambda: _empty(world))
    (leader,) = await world.admin.fetch("select pid from pg_locks where locktype = 'advisory' and objsubid = 1")
    await world.admin.execute("select pg_terminate_backend($1)", leader["pid"])
    await world.emit("k")
    await eventually(lambda: _empty(world))
    ended = [task for task in tasks if task.done()]
    assert len(ended) == 1
    with pytest.raises(Uncertain):
        ended[0].result()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_ids_drawn_ahead_are_refused_at_the_start(world: World):
    await world.admin.execute("alter table bus.event_queue alter column id set cache 10")
    with pytest.raises(Unordered, match="cache 1"):
        await Orderer(world.database.addresses["bus"]).run()


async def test_a_queue_row_without_a_head_is_set_aside_and_stops_nothing(world: World):
    before = UNORDERED._value.get()
    await world.admin.execute(
        "insert into bus.event_queue (stream, part, type, event) values"
        " ('source', 99, 't', gen_random_uuid()), ('nowhere', 0, 't', gen_random_uuid())"
    )
    ids = await world.emit("k", "k")
    await world.order()
    rows = await world.admin.fetch("select event from bus.event_order order by number")
    assert [row["event"] for row in rows] == ids
    refused = await world.admin.fetch("select stream, part from bus.event_refused order by id")
    assert [tuple(row) for row in refused] == [("source", 99), ("nowhere", 0)]
    assert await _empty(world)
    assert UNORDERED._value.get() == before + 2


async def test_an_event_that_stands_in_the_queue_twice_gets_one_number(world: World):
    (first,) = await world.emit("k")
    again = "insert into bus.event_queue (stream, part, type, event) select stream, part, type, $1 from bus.event"
    await world.admin.execute(again, first)
    await world.order()
    await world.admin.execute(again, first)
    await world.order()
    assert await world.admin.fetch("select number, event from bus.event_order") == [(1, first)]
    assert await _empty(world)


async def test_it_tells_which_numbers_are_new_and_only_when_something_was_ordered(world: World):
    told: list[str] = []
    here: list[str] = []
    task = asyncio.create_task(Orderer(world.database.addresses["bus"], notify=here.append).run())
    async with world.database.session("reader") as session:
        await session.add_listener("bus", lambda *said: told.append(said[-1]))
        await world.emit("k", "k")
        await eventually(lambda: told)
        await asyncio.sleep(0.3)  # it has looked again meanwhile, and found nothing
        async with world.source.transaction() as writing:
            await world.gather(writing, "k")
            await world.gather(writing, "k", event=Ignored)
        await eventually(lambda: len(told) == 2)
        part = part_of("k", PARTS)
        assert told == here
        assert told == [f"source:{part}=1-2:thing.happened", f"source:{part}=3-4:thing.happened,thing.ignored"]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_notice_that_would_be_too_long_names_its_streams_alone(world: World):
    told: list[str] = []
    await world.admin.execute(
        "create or replace function bus.order_queued(epoch bigint, batch integer)"
        " returns table (ordered bigint, refused bigint, news text) language sql as"
        " $$ select 9, 0, string_agg('a:' || n || '=1000000-1000001 b:' || n || '=5-5', ' ')"
        " from generate_series(1, 300) n $$"
    )
    async with world.database.session("reader") as session, world.database.session("bus") as driver:
        await session.add_listener("bus", lambda *said: told.append(said[-1]))
        _, news = await orderer.order(Session(driver), 1)
        await eventually(lambda: told)
    assert told == ["a b"]
    assert len(news) > 8000


@pytest.mark.parametrize(("events", "seconds"), [(1, 0.005), (4, 0.008), (9, 0.018), (300, 0.02)])
def test_the_more_comes_the_longer_it_is_gathered(events: int, seconds: float):
    assert seconds_between(events) == pytest.approx(seconds)


async def test_what_comes_soon_after_an_ordering_waits_for_the_rest(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(orderer, "seconds_between", lambda ordered: 0.2 * ordered)
    told: list[float] = []
    leader = Orderer(world.database.addresses["bus"], notify=lambda _: told.append(time.monotonic()))
    task = asyncio.create_task(leader.run())
    await world.emit("k", "k")
    await eventually(lambda: told)
    await world.emit("k")
    leader.wake()
    await eventually(lambda: len(told) == 2)
    assert told[1] - told[0] > 0.2, "two were ordered: 0.4 s lie between the beginnings"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_comes_fast_is_ordered_together(world: World):
    """One after the other, each committed alone: far fewer orderings than events."""
    here: list[str] = []
    leader = Orderer(world.database.addresses["bus"], notify=here.append)
    task = asyncio.create_task(leader.run())
    await world.emit("k")
    await eventually(lambda: here)
    began = asyncio.get_running_loop().time()
    for _ in range(40):
        await world.emit("k")
        leader.wake()
    seconds = asyncio.get_running_loop().time() - began
    await eventually(lambda: _empty(world))
    assert len(here) <= 3 + seconds / orderer.SECONDS_BETWEEN
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_an_idle_node_writes_no_commit(world: World):
    task = asyncio.create_task(Orderer(world.database.addresses["bus"]).run())
    async with world.reading() as reading:
        await world.emit("k")
        await eventually(lambda: _empty(world))
        await reading.consumer.caught_up()

        async def quiet() -> bool:
            return await _written_in(world.admin, 2.5) == 0

        await eventually(quiet)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _written_in(session: asyncpg.Connection, seconds: float) -> int:
    before = await session.fetchval("select pg_current_wal_insert_lsn()")
    await session.execute("select pg_sleep($1)", seconds)
    return int(await session.fetchval("select pg_current_wal_insert_lsn() - $1::pg_lsn", before))


async def _empty(world: World) -> bool:
    return await world.admin.fetchval("select count(*) from bus.event_queue") == 0
