"""What every bus must keep, whatever its transport loses, repeats or swaps."""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

import pytest

from creditmesh.chassis.bus import gaps
from creditmesh.chassis.bus.dead_letters import letters
from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.bus.metrics import LOST_PARTS
from creditmesh.chassis.bus.queue import Outgoing
from tests.contracts.bus.world import EFFECT, LEASE_CLASS, Happened, Ignored, Noted, Work, World, keys_of, write_down
from tests.support.eventually import eventually


class Kept:
    """Followed state: what came, in the order in which it came."""

    def __init__(self) -> None:
        self.ids: list[object] = []

    def apply(self, event: Delivered) -> None:
        self.ids.append(event.id)


class BusContract:
    """The suite; a subclass gives the fixture `world`."""

    @pytest.fixture
    async def world(self) -> World:
        raise NotImplementedError

    async def test_what_was_committed_is_applied_once_and_in_order(self, world: World):
        keys = [key for part in range(4) for key in keys_of(part, 3)]
        async with world.reading() as reading:
            ids = [await world.write(*keys) for _ in range(5)]
            await reading.consumer.caught_up()
        for place, key in enumerate(keys):
            assert await world.applied(key) == [written[place] for written in ids]
        assert len(await world.effects()) == 5 * len(keys)

    async def test_an_event_whose_transaction_was_rolled_back_never_was(self, world: World):
        async with world.source.session() as session:
            await session.begin()
            await world.gather(session, "lost", "lost")
            ids = await world.write("kept")
            await session.rollback()
        await world.order()
        async with world.reading() as reading:
            await reading.consumer.caught_up()
        assert await world.effects() == ids

    async def test_bodies_arrive_as_they_were_written_from_the_bus_and_from_an_outbox(self, world: World):
        seen: list[Delivered] = []

        async def look(work: Work, events: Sequence[Delivered]) -> None:
            seen.extend(events)
            await write_down(work, events)

        (first,) = await world.write("a key")
        (second,) = await world.write("a key", event=Noted)
        async with world.reading(look) as reading:
            await reading.consumer.caught_up()
        happened, noted = seen
        assert (happened.id, noted.id) == (first, second)
        assert happened.read(Happened) == Happened(about="a key")
        assert noted.read(Noted) == Noted(about="a key")
        assert (noted.key, noted.version, noted.traceparent) == ("a key", 1, "00-t-s-1")
        assert happened.legal_date.isoformat() == noted.legal_date.isoformat() == "2024-02-29"
        assert (happened.number, happened.before, noted.number, noted.before) == (1, None, 2, happened.id)

    async def test_what_came_twice_is_applied_once(self, world: World):
        async with world.reading() as reading:
            ids = await world.write("k", "k", "k", twice=True)
            await world.publish(twice=True)
            await reading.consumer.caught_up()
            ids += await world.write("k", twice=True)
            await reading.consumer.caught_up()
        assert await world.effects() == ids

    async def test_what_came_in_the_wrong_order_is_applied_in_the_right_one(self, world: World):
        async with world.reading() as reading:
            ids = await world.write(*["k"] * 20, backwards=True)
            await reading.consumer.caught_up()
        assert await world.effects() == ids

    async def test_a_gap_is_refilled(self, world: World):
        async with world.reading() as reading:
            ids = await world.write(*["k"] * 10, lost=range(3, 7))
            await reading.consumer.caught_up()
        assert await world.effects() == ids

    async def test_a_lost_tail_is_refilled_though_nothing_comes_after_it(self, world: World):
        async with world.reading() as reading:
            ids = await world.write(*["k"] * 10, lost=range(5, 10))
            await reading.consumer.caught_up()
        assert await world.effects() == ids

    async def test_a_transport_that_forgot_everything_loses_nothing(self, world: World):
        async with world.reading() as reading:
            ids = await world.write(*["k"] * 5)
            await reading.consumer.caught_up()
            ids += await world.write(*["k"] * 5, lost=range(5))
            await world.wipe()
            ids += await world.write(*["k"] * 3)
            await reading.consumer.caught_up()
        assert await world.effects() == ids

    async def test_a_hole_parks_its_part_and_the_others_flow(self, world: World):
        broken, sound = keys_of(0, 1)[0], keys_of(1, 1)[0]
        await world.emit(*[broken] * 3, sound)
        await world.order()
        await world.admin.execute("delete from bus.event_order where stream = 'source' and part = 0 and number = 2")
        async with world.reading() as reading:
            await eventually(lambda: "hole" in _reason(reading.consumer.alarms.get(("source", 0))))
            (later,) = await world.write(sound)
            await eventually(lambda: _reached(world, 1, 2))
            assert reading.uncertain == []
        assert await world.position(0) <= 1
        assert (await world.applied(sound))[-1] == later

    async def test_a_stream_that_went_back_parks_its_part(self, world: World):
        key, other = keys_of(0, 1)[0], keys_of(1, 1)[0]
        async with world.reading() as reading:
            ids = await world.write(*[key] * 5)
            await reading.consumer.caught_up()
            await world.forget(0, from_number=3)
            await world.write(other)
            await eventually(lambda: "went back" in _reason(reading.consumer.alarms.get(("source", 0))))
            await eventually(lambda: _reached(world, 1, 1))
        assert await world.applied(key) == ids

    async def test_numbers_that_were_given_again_are_noticed_by_the_chain(self, world: World):
        key = keys_of(0, 1)[0]
        async with world.reading() as reading:
            ids = await world.write(*[key] * 5)
            await reading.consumer.caught_up()
        await world.forget(0, from_number=3)
        await world.write(*[key] * 6)
        async with world.reading() as reading:
            await eventually(lambda: "chain break" in _reason(reading.consumer.alarms.get(("source", 0))))
        assert await world.applied(key) == ids
        assert await world.position(0) == 5

    async def test_another_event_with_the_same_number_is_noticed_at_the_head(self, world: World):
        key = keys_of(0, 1)[0]
        async with world.reading() as reading:
            await world.write(*[key] * 3)
            await reading.consumer.caught_up()
        await world.forget(0, from_number=3)
        await world.write(key)
        async with world.reading() as reading:
            await eventually(lambda: "chain break" in _reason(reading.consumer.alarms.get(("source", 0))))

    async def test_a_missing_body_parks_its_part(self, world: World, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(gaps, "SECONDS_FOR_A_BODY", 600.0)
        key = keys_of(0, 1)[0]
        ids = await world.emit(key, key)
        await world.order()
        await world.admin.execute("delete from bus.event where id = $1", ids[1])
        async with world.reading(connected=False) as reading:
            await eventually(lambda: _reached(world, 0, 1))
            assert not reading.consumer.alarms, "it may be on its way yet"
            monkeypatch.setattr(gaps, "SECONDS_FOR_A_BODY", 0.0)
            await eventually(lambda: "body" in _reason(reading.consumer.alarms.get(("source", 0))))

    async def test_a_part_that_another_process_moved_is_not_applied_again(self, world: World):
        key = keys_of(0, 1)[0]
        before = LOST_PARTS.labels("reader")._value.get()
        async with world.reading() as reading:
            ids = await world.write(key)
            await reading.consumer.caught_up()
            async with world.admin.transaction():
                await world.admin.execute("select from reader.reader_position for update")
                ids += await world.write(key)
                await _waits_for_a_lock(world)
                await world.admin.execute(
                    "update reader.reader_position set number = 2, last = $1 where stream = 'source' and part = 0",
                    ids[1],
                )
            await eventually(lambda: len(reading.uncertain) == 1)
            ids += await world.write(key)
            await reading.consumer.caught_up()
        assert await world.effects() == [ids[0], ids[2]]
        assert LOST_PARTS.labels("reader")._value.get() == before + 1

    async def test_two_owners_that_both_believe_they_own_a_part_apply_nothing_twice(self, world: World):
        keys = [key for part in range(4) for key in keys_of(part, 2)]
        async with world.reading() as one, world.reading(lock_class=LEASE_CLASS + 1) as other:
            ids = []
            for _ in range(30):
                ids += await world.write(*keys)
                await asyncio.sleep(0)
            async with asyncio.timeout(60):
                while not (one.uncertain or other.uncertain):  # until the two have met at one event
                    ids += await world.write(*keys)
            await one.consumer.caught_up()
        assert len(await world.effects()) == len(ids)
        assert set(await world.effects()) == set(ids)
        for key in keys:
            assert await world.applied(key) == sorted(await world.applied(key))

    async def test_a_type_nobody_handles_only_moves_the_position_and_its_body_is_not_touched(self, world: World):
        key = keys_of(2, 1)[0]
        await world.write(*[key] * 300, event=Ignored)
        (handled,) = await world.write(key)
        published = await _probes(world, "bus.event")
        async with world.reading(connected=False) as reading:
            await reading.consumer.caught_up()
        assert await world.effects() == [handled]
        assert await world.position(2) == 301
        await world.pool.close()  # a session that ends tells the server what it has counted
        assert await _probes(world, "bus.event") - published <= 1  # none if it came by another way
        assert await _probes(world, "source.fact") == 0

    async def test_effects_and_position_move_together_or_not_at_all(self, world: World):
        tried = 0

        async def fail_once(work: Work, events: Sequence[Delivered]) -> None:
            nonlocal tried
            tried += 1
            await write_down(work, events)
            if tried == 1:
                raise TimeoutError

        ids = await world.write(*["k"] * 4)
        async with world.reading(fail_once) as reading:
            await reading.consumer.caught_up()
        assert tried == 2
        assert await world.effects() == ids

    async def test_what_a_handler_emits_is_committed_with_its_effects(self, world: World):
        async def emit(work: Work, events: Sequence[Delivered]) -> None:
            await write_down(work, events)
            work.outgoing += [_outgoing(event) for event in events]

        ids = await world.write(*["k"] * 3)
        async with world.reading(emit) as reading:
            await reading.consumer.caught_up()
        await world.order()
        assert await world.admin.fetchval("select count(*) from bus.event_order where stream = 'reader'") == len(ids)

    async def test_a_poison_event_is_alone_in_the_dead_letters_and_its_key_waits_in_order(self, world: World):
        poison, other = keys_of(0, 2)
        refused: list[object] = []

        async def refuse(work: Work, events: Sequence[Delivered]) -> None:
            await write_down(work, events)
            if any(event.id in refused for event in events):
                raise ValueError("a secret that must not be kept")

        ids = await world.emit(other, poison, other, poison, other, poison)
        refused.append(ids[1])
        await world.order()
        await world.publish()
        async with world.reading(refuse) as reading:
            await reading.consumer.caught_up()
            (more,) = await world.write(poison)
            (flows,) = await world.write(other)
            await reading.consumer.caught_up()
            assert reading.uncertain == []
        assert await world.applied(other) == [ids[0], ids[2], ids[4], flows]
        assert await world.applied(poison) == []
        rows = await world.admin.fetch("select id, error from reader.dead_letter order by number")
        assert [row["id"] for row in rows] == [ids[1], ids[3], ids[5], more]
        assert [row["error"] is None for row in rows] == [False, True, True, True]
        assert "ValueError" in rows[0]["error"]
        assert "secret" not in rows[0]["error"]
        async with world.pool.session() as session:
            [letter] = await letters(session, "reader")
        assert (letter.stream, letter.number, letter.waiting) == ("source", 2, 3)

    async def test_a_value_the_database_refuses_is_a_poison_event_too(self, world: World):
        async def too_long(work: Work, events: Sequence[Delivered]) -> None:
            for event in events:
                number = 2**80 if event.key == "bad" else event.number
                await work.session.copy("reader.effect", EFFECT, [("s", 0, number, event.id, "t", event.key)])

        ids = await world.write("good", "bad", "good")
        async with world.reading(too_long) as reading:
            await reading.consumer.caught_up()
            assert reading.uncertain == []
        assert await world.effects() == [ids[0], ids[2]]

    async def test_a_reader_that_starts_late_reads_everything(self, world: World):
        ids = [id_ for _ in range(5) for id_ in await world.write(*["k"] * 100)]
        async with world.reading() as reading:
            await reading.consumer.caught_up()
            assert await reading.consumer.behind() == 0
        assert await world.effects() == ids

    async def test_a_follower_that_starts_late_reads_everything_and_then_follows(self, world: World):
        ids = await world.write(*["k"] * 600) + await world.write("k", event=Ignored)
        kept = Kept()
        replica = world.replica(kept)
        assert not replica.ready
        task = asyncio.create_task(replica.run())
        await replica.caught_up()
        assert kept.ids == ids
        ids += await world.write("k", event=Noted)
        await replica.caught_up()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert (replica.ready, kept.ids) == (True, ids)

    async def test_a_follower_goes_on_where_it_stood_when_its_session_had_failed(self, world: World):
        kept = Kept()
        replica = world.replica(kept)
        ids = []
        for _ in range(3):
            ids += await world.write("k", "k")
            task = asyncio.create_task(replica.run())
            await replica.caught_up()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert kept.ids == ids

    async def test_a_reader_is_registered_and_reports_how_far_it_came(self, world: World):
        part_of_k = 0
        async with world.reading() as reading:
            await world.write(keys_of(0, 1)[0])
            await reading.consumer.caught_up()
            await eventually(lambda: _reported(world, part_of_k, 1))
        rows = await world.admin.fetchval("select count(*) from bus.event_reader where reader = 'reader'")
        assert rows == 4


async def _reached(world: World, part: int, number: int) -> bool:
    return (await world.position(part) or 0) >= number


async def _reported(world: World, part: int, number: int) -> bool:
    found = await world.admin.fetchval(
        "select number from bus.event_reader where reader = 'reader' and stream = 'source' and part = $1", part
    )
    return bool(found == number)


async def _probes(world: World, table: str) -> int:
    await world.admin.execute("select pg_stat_clear_snapshot()")
    found = await world.admin.fetchval(
        "select idx_scan + seq_scan from pg_stat_all_tables where relid = $1::text::regclass", table
    )
    return int(found)


async def _waits_for_a_lock(world: World) -> None:
    async def waits() -> bool:
        async with world.database.session() as session:
            return bool(await session.fetchval("select count(*) > 0 from pg_locks where not granted"))

    await eventually(waits)


def _reason(alarm: object) -> str:
    return str(alarm or "")


def _outgoing(event: Delivered) -> Outgoing:
    return Outgoing(id=uuid4(), part=event.part, type="x.y", version=1, key=event.key, data=b"{}")
