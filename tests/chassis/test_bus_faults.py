"""Whose fault a failure is: the event's, the installation's or nobody's; and how each is undone."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import pytest

from creditmesh.chassis.bus import dead_letters, stream
from creditmesh.chassis.bus.consuming import applying
from creditmesh.chassis.bus.consuming.consumer import BATCH
from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.bus.faults import PATIENCE, Fault
from creditmesh.chassis.bus.gaps import Progress
from creditmesh.chassis.bus.metrics import DEAD_LETTERS
from creditmesh.chassis.bus.position import Position
from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.errors import Alarm, Transient, Uncertain
from tests.contracts.bus.world import PARTS, Happened, Running, Work, World, keys_of, opened, write_down
from tests.support.eventually import eventually
from tests.support.postgres import Postgres

BODY = "stream, part, before, type, version, key, at, legal_date, traceparent, data"
GRANT = "grant insert on reader.effect to city_reader"
REVOKE = "revoke insert on reader.effect from city_reader"
FIFTY = [f"key-{n}" for n in range(50)]


@pytest.fixture
async def world(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(applying, "INSTALLATION_REST", (0.2, 0.5))
    async with opened(postgres) as world:
        yield world


class Broken:
    """A handler that fails as it is told to, for as long as it is told to."""

    def __init__(self, error: type[Exception] = KeyError, *, keys: Sequence[str] | None = None) -> None:
        self.error = error
        self.keys = keys
        self.mended = False
        self.calls = 0

    async def __call__(self, work: Work, events: Sequence[Delivered]) -> None:
        self.calls += 1
        await write_down(work, events)
        if not self.mended and any(self.keys is None or event.key in self.keys for event in events):
            raise self.error


async def letters(world: World) -> int:
    return int(await world.admin.fetchval("select count(*) from reader.dead_letter"))


async def all_applied(world: World, ids: Sequence[UUID]) -> bool:
    return sorted(await world.effects()) == sorted(ids)


async def test_a_revoked_grant_under_load_parks_nothing_and_all_is_applied_when_it_is_granted_again(world: World):
    ids = await world.write(*FIFTY)
    async with world.reading() as reading:
        await reading.consumer.caught_up()
        await world.admin.execute(REVOKE)
        for _ in range(5):
            ids += await world.write(*FIFTY)
        await eventually(lambda: reading.consumer.alarms)
        assert "42501" in str(next(iter(reading.consumer.alarms.values())))
        await asyncio.sleep(1.0)  # it has tried again meanwhile
        assert await letters(world) == 0
        await world.admin.execute(GRANT)
        await reading.consumer.caught_up()
        assert not reading.consumer.alarms, "what was mended alarms no more"
        assert reading.uncertain == []
    assert await all_applied(world, ids)


class MendedAfter(Broken):
    """A handler that fails so many times, and is mended then."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.failures = failures

    async def __call__(self, work: Work, events: Sequence[Delivered]) -> None:
        self.mended = self.calls >= self.failures
        await super().__call__(work, events)


async def test_a_handler_that_is_mended_while_an_event_is_judged_buries_none(world: World):
    ids: list[UUID] = []
    for failures in range(5, 11):  # the last halves, one alone, its witnesses
        ids += await world.write(*FIFTY)
        async with world.reading(MendedAfter(failures)) as reading:
            await reading.consumer.caught_up()
            assert await letters(world) == 0, failures
    assert await all_applied(world, ids)


@pytest.mark.parametrize("error", [KeyError, FileNotFoundError, PermissionError])
async def test_a_handler_that_fails_for_one_event_after_the_other_buries_none(world: World, error):
    handler = Broken(error)
    ids = await world.write(*FIFTY)
    async with world.reading(handler) as reading:
        await eventually(lambda: len(reading.consumer.alarms) == PARTS)
        await asyncio.sleep(1.0)
        assert await letters(world) == 0
        handler.mended = True
        await reading.consumer.caught_up()
    assert await all_applied(world, ids)


async def test_an_event_of_a_newer_version_waits_with_an_alarm_and_the_other_parts_flow(world: World):
    newer, flows = keys_of(0, 1)[0], keys_of(1, 1)[0]

    async def read(work: Work, events: Sequence[Delivered]) -> None:
        for event in events:
            event.read(Happened)
        await write_down(work, events)

    (waits,) = await world.write(newer)
    await world.admin.execute("update bus.event set version = 2 where id = $1", waits)
    ids = await world.write(flows, flows)
    async with world.reading(read) as reading:
        await eventually(lambda: all_applied(world, ids))
        await eventually(lambda: "UnknownWord" in str(reading.consumer.alarms.get(("source", 0))))
        await asyncio.sleep(1.0)
        assert await letters(world) == 0
        await world.admin.execute(
            "update bus.event set version = 1 where id = $1", waits
        )  # as an upgrade would read it
        await reading.consumer.caught_up()
    assert await all_applied(world, [waits, *ids])


async def test_a_poison_event_in_a_batch_of_five_hundred_is_found_by_halving(world: World):
    poison = FIFTY[7]
    handler = Broken(keys=[poison])
    ids = await world.write(*[key for key in FIFTY if key != poison] * 10)
    (bad,) = await world.write(poison)
    async with world.reading(handler) as reading:
        await reading.consumer.caught_up()
        standing = DEAD_LETTERS.labels("reader", "source")._value
        await eventually(lambda: (standing.get(), reading.consumer.dead_letters) == (1, 1))
    assert standing.get() == 0, "whoever leases the part next tells of it"
    assert await all_applied(world, ids)
    assert await world.admin.fetchval("select id from reader.dead_letter") == bad
    assert handler.calls <= 40, "about two for each halving of four parts, and not one for each event"


async def test_an_event_that_fails_alone_with_nothing_beside_it_is_refused_in_the_end(world: World):
    (bad,) = await world.write("k")
    async with world.reading(Broken()) as reading:
        await eventually(lambda: reading.consumer.alarms)
        assert await letters(world) == 0, "not at the first try: there is nothing to judge its handler by"
        await reading.consumer.caught_up()
    assert await world.admin.fetchval("select id from reader.dead_letter") == bad


class Slow:
    """A handler whose statements run out of time for one key: so often when it is alone, and always beside others."""

    def __init__(self, key: str, *, alone: int) -> None:
        self.key = key
        self.left = alone

    async def __call__(self, work: Work, events: Sequence[Delivered]) -> None:
        await write_down(work, events)
        if any(event.key == self.key for event in events):
            if len(events) == 1:
                self.left -= 1
            if len(events) > 1 or self.left >= 0:
                raise DatabaseError("select", kind="QueryCanceledError", sqlstate="57014")


async def test_an_event_that_runs_out_of_time_is_tried_alone_before_it_is_refused(world: World):
    slow = FIFTY[7]
    ids = await world.write(*[key for key in FIFTY if key != slow], slow)
    async with world.reading(Slow(slow, alone=PATIENCE)) as reading:
        await reading.consumer.caught_up()
    assert await letters(world) == 0, "its handler has applied others, and it was only slow"
    assert await all_applied(world, ids)


async def test_an_event_that_always_runs_out_of_time_is_refused_in_the_end(world: World):
    slow = FIFTY[7]
    ids = await world.write(*[key for key in FIFTY if key != slow])
    (bad,) = await world.write(slow)
    handler = Slow(slow, alone=1000)
    async with world.reading(handler) as reading:
        await reading.consumer.caught_up()
    assert await world.admin.fetchval("select id from reader.dead_letter") == bad
    assert 1000 - handler.left == 1 + PATIENCE
    assert await all_applied(world, ids)


async def test_what_waits_holds_its_own_part_only(world: World):
    waits, flows = keys_of(0, 1)[0], keys_of(1, 1)[0]
    handler = Broken(Transient, keys=[waits])
    held = await world.write(waits)
    async with world.reading(handler) as reading:
        ids = await world.write(flows, flows)
        await eventually(lambda: all_applied(world, ids))
        handler.mended = True
        await reading.consumer.caught_up()
        assert reading.uncertain == []
    assert await all_applied(world, held + ids)


async def test_a_parked_key_survives_a_hand_over(world: World):
    poison, other = keys_of(0, 2)
    await world.write(other)
    handler = Broken(keys=[poison])
    async with world.reading(handler, lock_class=4002) as first:
        await first.consumer.caught_up()
        async with world.reading(handler, lock_class=4002) as second:  # it waits until the other gives parts back
            await world.write(poison)
            await eventually(lambda: letters(world))
            await first.consumer.caught_up()
            await eventually(lambda: second.consumer._consuming is not None)
            await stopped(first)
            handler.mended = True
            await world.write(poison)
            await second.consumer.caught_up()
    assert await world.applied(poison) == [], "what comes later waits behind the letter, whoever leases the part"
    assert await letters(world) == 2


async def stopped(running: Running) -> None:
    consuming = running.consumer._consuming
    assert consuming is not None
    await consuming._leases.close()


@pytest.mark.parametrize("wish", ["retry", "drop"])
async def test_a_letter_is_released_with_all_that_waits_behind_it(world: World, wish: dead_letters.Wish):
    poison, other = keys_of(0, 2)
    handler = Broken(keys=[poison])
    await world.write(other)
    async with world.reading(handler) as reading:
        await reading.consumer.caught_up()
        ids = [await first(world, poison) for _ in range(3)]
        await eventually(lambda: count_is(world, 3))
        standing = DEAD_LETTERS.labels("reader", "source")._value
        await eventually(lambda: (standing.get(), reading.consumer.dead_letters) == (1, 1))
        handler.mended = True
        assert await ask(world, wish) == 1
        await eventually(lambda: count_is(world, 0))
        await eventually(lambda: (standing.get(), reading.consumer.dead_letters) == (0, 0))
        ids.append(await first(world, poison))
        await reading.consumer.caught_up()
        assert reading.uncertain == []
    assert await world.applied(poison) == (ids if wish == "retry" else ids[1:])


async def test_a_release_that_goes_on_while_the_part_becomes_anothers_is_applied_once(world: World):
    poison, other = keys_of(0, 2)
    broken, releasing = Broken(keys=[poison]), asyncio.Event()

    async def slow(work: Work, events: Sequence[Delivered]) -> None:
        await broken(work, events)
        if broken.mended and not releasing.is_set():
            releasing.set()
            await work.session.value("select pg_sleep(3)")

    await world.write(other)
    async with world.reading(slow) as first:
        await first.consumer.caught_up()
        ids = await world.write(poison, poison, poison)
        await eventually(lambda: count_is(world, 3))
        async with world.reading(slow) as second:
            await eventually(lambda: second.consumer._consuming is not None)
            broken.mended = True
            await ask(world, "retry")
            await releasing.wait()
            at_it, next_one = (first, second) if holds(first) else (second, first)
            lease = at_it.consumer._consuming._leases._session  # type: ignore[union-attr]
            await world.admin.execute("select pg_terminate_backend($1)", lease.get_server_pid())
            await eventually(lambda: holds(next_one))
            await eventually(lambda: count_is(world, 0))
            await asyncio.sleep(1.5)  # the other has looked by then
    assert await world.applied(poison) == ids


def holds(running: Running) -> bool:
    return running.consumer._consuming is not None and ("source", 0) in running.consumer._consuming.held


async def test_letters_that_somebody_else_took_out_are_not_taken_out_again(world: World):
    async with world.pool.session() as session:
        with pytest.raises(Uncertain):
            await dead_letters.remove(session, "reader", ("source", 0), "k", [1])


async def test_a_letter_whose_event_alarms_when_it_is_released_is_refused_again_and_the_others_flow(world: World):
    poison, other = keys_of(0, 2)
    broken = Broken(keys=[poison])

    async def alarming(work: Work, events: Sequence[Delivered]) -> None:
        await broken(work, events)
        if broken.mended and any(event.key == poison for event in events):
            raise Alarm("of a newer peer", stream="source", part=0)

    await world.write(other)
    async with world.reading(alarming) as reading:
        await reading.consumer.caught_up()
        await world.write(poison)
        await eventually(lambda: count_is(world, 1))
        broken.mended = True
        assert await ask(world, "retry") == 1
        await eventually(lambda: error_is(world, "of a newer peer"))
        await world.write(other)
        await reading.consumer.caught_up()
        assert reading.uncertain == []


def test_a_part_may_rest_as_often_as_a_long_outage_takes():
    applier = applying.Applier(None, reader="r", handlers={}, context_for=None, check=lambda: None)  # type: ignore[arg-type]
    progress = Progress(Position("source", 0), Position("source", 0))
    for _ in range(1100):
        applier._rest(progress, ValueError(), Fault.PASSING)
    assert progress.rests(0.0)


BEHIND = f"""
insert into reader.dead_letter ({BODY}, number, id)
select {BODY}, number + n, gen_random_uuid() from reader.dead_letter, generate_series(1, 20000) as n where error is null
"""


async def test_what_waits_behind_a_letter_is_applied_in_batches_however_much_it_is(world: World):
    poison, other = keys_of(0, 2)
    handler = Broken(keys=[poison])
    sizes: list[int] = []

    async def sized(work: Work, events: Sequence[Delivered]) -> None:
        sizes.append(len(events))
        await handler(work, events)

    await world.write(other)
    async with world.reading(sized) as reading:
        await reading.consumer.caught_up()
        await world.write(poison, poison)
        await eventually(lambda: count_is(world, 2))
        await world.admin.execute(BEHIND)
        handler.mended = True
        assert await ask(world, "retry") == 1
        await eventually(lambda: count_is(world, 0))
        assert reading.uncertain == []
    assert max(sizes) <= BATCH
    numbers = await world.admin.fetch("select number from reader.effect where key = $1 order by place", poison)
    assert len(numbers) == 20_002
    assert [row["number"] for row in numbers] == sorted(row["number"] for row in numbers)


async def test_a_letter_in_the_middle_of_what_waits_stands_and_what_came_before_is_applied(world: World):
    poison, other = keys_of(0, 2)
    handler = Broken(keys=[poison])

    async def refuse(work: Work, events: Sequence[Delivered]) -> None:
        await handler(work, events)
        if any(event.number == 1_202 for event in events):
            raise ZeroDivisionError

    await world.write(other)
    async with world.reading(refuse) as reading:
        await reading.consumer.caught_up()
        await world.write(poison, poison)
        await eventually(lambda: count_is(world, 2))
        await world.admin.execute(BEHIND.replace("20000", "2000"))
        handler.mended = True
        assert await ask(world, "retry") == 1
        await eventually(lambda: error_is(world, "ZeroDivisionError"))
        async with world.pool.session() as session:
            assert await dead_letters.letter_of(session, "reader", "source", poison) == (1_202, None)
        assert await letters(world) == 2_002 - 1_200
    assert len(await world.applied(poison)) == 1_200


async def test_all_of_a_key_of_a_stream_that_is_read_no_more_can_be_dropped(world: World):
    poison, other = keys_of(0, 2)
    await world.write(other)
    async with world.reading(Broken(keys=[poison])) as reading:
        await reading.consumer.caught_up()
        await world.write(poison, poison)
        await eventually(lambda: count_is(world, 2))
    await world.admin.execute("update reader.dead_letter set stream = 'gone'")
    async with world.pool.session() as session:
        assert await dead_letters.drop_key(session, "reader", "gone", poison) == 2
    assert await letters(world) == 0


async def test_a_letter_that_runs_out_of_time_is_refused_again(world: World):
    poison, other = keys_of(0, 2)
    handler = Broken(keys=[poison])
    tries = 0

    async def slow(work: Work, events: Sequence[Delivered]) -> None:
        nonlocal tries
        await handler(work, events)
        if handler.mended and events[0].key == poison:
            tries += 1
            await work.session.execute("set local statement_timeout = '20ms'")
            await work.session.value("select pg_sleep(1)")

    await world.write(other)
    async with world.reading(slow) as reading:
        await reading.consumer.caught_up()
        await world.write(poison)
        await eventually(lambda: count_is(world, 1))
        handler.mended = True
        assert await ask(world, "retry") == 1
        await eventually(lambda: error_is(world, "DatabaseError"))
        assert tries == 1, "who asked may ask once more"
        assert reading.uncertain == []


async def test_what_waits_behind_a_letter_and_is_of_a_type_that_nobody_handles_any_more_is_passed(world: World):
    poison, other = keys_of(0, 2)
    handler = Broken(keys=[poison])
    await world.write(other)
    async with world.reading(handler) as reading:
        await reading.consumer.caught_up()
        ids = await world.write(*[poison] * 3)
        await eventually(lambda: count_is(world, 3))
        await world.admin.execute("update reader.dead_letter set type = 'thing.gone' where number in (2, 3)")
        handler.mended = True
        assert await ask(world, "retry") == 1
        await eventually(lambda: count_is(world, 0))
        assert reading.uncertain == []
    assert await world.applied(poison) == ids[2:]


async def test_a_letter_that_is_refused_again_stays_and_says_why(world: World):
    poison, other = keys_of(0, 2)
    handler = Broken(keys=[poison])
    await world.write(other)
    async with world.reading(handler) as reading:
        await reading.consumer.caught_up()
        await world.write(poison, poison)
        await eventually(lambda: count_is(world, 2))
        handler.error = ZeroDivisionError
        assert await ask(world, "retry") == 1
        await eventually(lambda: error_is(world, "ZeroDivisionError"))
        assert await count_is(world, 2)
    assert await world.applied(poison) == []


async def test_what_waits_and_is_poison_too_becomes_the_letter(world: World):
    poison, other = keys_of(0, 2)
    refused: list[UUID] = []

    async def refuse(work: Work, events: Sequence[Delivered]) -> None:
        await write_down(work, events)
        if any(event.id in refused for event in events):
            raise KeyError

    await world.write(other)
    async with world.reading(refuse) as reading:
        await reading.consumer.caught_up()
        ids = await world.emit(*[poison] * 4)
        refused += [ids[0], ids[2]]
        await world.order()
        await eventually(lambda: count_is(world, 4))
        del refused[0]
        assert await ask(world, "retry") == 1
        await eventually(lambda: error_is(world, "KeyError"))
    assert await world.applied(poison) == ids[:2]
    rows = await world.admin.fetch("select id, error is not null as dead from reader.dead_letter order by number")
    assert [tuple(row) for row in rows] == [(ids[2], True), (ids[3], False)]


async def test_who_reads_with_whom_knows_which_keys_are_parked(world: World):
    poison, other = keys_of(0, 2)
    await world.write(other)
    async with world.reading(Broken(keys=[poison])) as reading:
        await reading.consumer.caught_up()
        await world.write(poison)
        await eventually(lambda: letters(world))
        await reading.consumer.caught_up()
    async with world.pool.session() as session:
        assert set(await stream.parked(session, "source", [poison, other])) == {poison}
        assert set(await stream.parked(session, "reader", [poison])) == set()


async def first(world: World, key: str) -> UUID:
    (made,) = await world.write(key)
    return made


async def count_is(world: World, n: int) -> bool:
    return await letters(world) == n


async def error_is(world: World, word: str) -> bool:
    found = "select error from reader.dead_letter where error is not null and asked is null"
    return word in (await world.admin.fetchval(found) or "")


async def ask(world: World, wish: dead_letters.Wish) -> int:
    async with world.pool.session() as session:
        found = await dead_letters.letters(session, "reader")
        asked = [await dead_letters.ask(session, "reader", (f.stream, f.part), f.number, wish) for f in found]
    return sum(key is not None for key in asked)


async def test_a_handler_that_is_wrong_for_everything_buries_one_event_of_a_quiet_stream_and_no_second(world: World):
    handler = Broken()
    async with world.reading(handler) as reading:
        ids = [await first(world, "k-1")]
        await eventually(lambda: count_is(world, 1))
        ids.append(await first(world, "k-2"))
        await asyncio.sleep(4)  # it has been tried more often than the first
        assert await letters(world) == 1
        handler.mended = True
        await reading.consumer.caught_up()
    assert await world.effects() == ids[1:]


async def test_what_the_installation_lacks_for_one_event_holds_up_what_comes_after_it_and_not_before(world: World):
    good, bad = keys_of(0, 2)
    handler = Broken(FileNotFoundError, keys=[bad])
    ids = await world.write(*[good] * 20, bad, good)
    async with world.reading(handler) as reading:
        await eventually(lambda: all_applied(world, ids[:20]))
        handler.mended = True
        await reading.consumer.caught_up()
    assert await world.effects() == ids
