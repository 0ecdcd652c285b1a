"""What is known of credentials: half a second old at most, read ahead of need, and bounded whatever is asked."""

import asyncio
from collections import Counter
from collections.abc import Coroutine

import pytest

from creditmesh.gateway import readings
from creditmesh.gateway.readings import KEPT, PLACES, Readings
from tests.support.eventually import eventually
from tests.support.virtual import in_virtual_time, virtual_now


class Database:
    """Says when it was asked, after a while; knows every key that does not begin with `no`."""

    def __init__(self) -> None:
        self.seconds = 0.05
        self.asked: Counter[str] = Counter()
        self.now = 0
        self.most = 0
        self.error: Exception | None = None

    async def read(self, key: str) -> float | None:
        began = virtual_now()
        self.asked[key] += 1
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.now -= 1
        if self.error is not None:
            raise self.error
        return None if key.startswith("no") else began


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setattr(readings, "monotonic", virtual_now)
    return Database()


@pytest.fixture
def known(database: Database) -> Readings[float]:
    return Readings(database.read)


def at_once(asking: Coroutine[None, None, float | None]) -> float | None:
    """The answer of one that need not wait."""
    try:
        asking.send(None)
    except StopIteration as answer:
        return answer.value
    asking.close()
    pytest.fail("it waits for the database")


@pytest.mark.parametrize("pause", [0.01, 0.2, 0.35])
@in_virtual_time
async def test_a_key_in_use_is_read_again_before_anybody_has_to_wait_for_it(
    database: Database, known: Readings[float], pause: float
):
    await known.get("key")
    end = virtual_now() + 4 * KEPT
    while virtual_now() < end:
        await asyncio.sleep(pause)
        read_at = at_once(known.get("key"))
        assert read_at is not None
        assert virtual_now() - read_at < KEPT
    assert 4 <= database.asked["key"] <= 6


@pytest.mark.parametrize("seconds", [0.0, 0.2, 0.45, 0.6])
@in_virtual_time
async def test_nothing_is_relied_on_that_was_asked_half_a_second_before(
    database: Database, known: Readings[float], seconds: float
):
    """Also where the database takes longer than that, and where many ask at any moment."""
    database.seconds = seconds
    end = virtual_now() + 3 * KEPT

    async def ask() -> None:
        while virtual_now() < end:
            began = virtual_now()
            read_at = await known.get("key")
            assert read_at is not None
            assert began - read_at < KEPT
            await asyncio.sleep(0.01)

    await asyncio.gather(*(ask() for _ in range(5)))


@in_virtual_time
async def test_a_key_that_nobody_asks_for_is_not_read_again(database: Database, known: Readings[float]):
    await known.get("key")
    await known.get("key")
    await eventually(lambda: database.asked["key"] == 2)
    await asyncio.sleep(2 * KEPT)
    assert database.asked["key"] == 2


@in_virtual_time
async def test_many_who_ask_at_once_are_one_reading(database: Database, known: Readings[float]):
    assert len(set(await asyncio.gather(*(known.get("key") for _ in range(100))))) == 1
    assert database.asked["key"] == 1


@in_virtual_time
async def test_keys_that_were_not_known_lately_are_read_a_few_at_a_time(database: Database, known: Readings[float]):
    await known.get("key")
    database.seconds = 0.02
    flood = [asyncio.create_task(known.get(f"no{number}")) for number in range(100)]
    while not all(task.done() for task in flood):
        assert at_once(known.get("key")) is not None
        await asyncio.sleep(0.01)
    assert database.most <= PLACES + 1
    assert database.asked["key"] >= 2


@in_virtual_time
async def test_a_reading_that_waits_for_its_place_too_long_fails(
    database: Database, known: Readings[float], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(readings, "PATIENCE", 0.05)
    database.seconds = 0.2
    answers = await asyncio.gather(*(known.get(f"no{number}") for number in range(10)), return_exceptions=True)
    assert answers[:PLACES] == [None] * PLACES
    assert all(isinstance(answer, TimeoutError) for answer in answers[PLACES:])


@in_virtual_time
async def test_a_reading_that_failed_is_not_kept(database: Database, known: Readings[float]):
    for _ in range(2):
        database.error = OSError("away")
        with pytest.raises(OSError, match="away"):
            await known.get("key")
    database.error = None
    assert await known.get("key") is not None


@in_virtual_time
async def test_a_key_that_could_not_be_read_again_is_asked_for_anew(database: Database, known: Readings[float]):
    await known.get("key")
    at_once(known.get("key"))
    database.error = OSError("away")
    await eventually(lambda: database.asked["key"] == 2 and database.now == 0)
    with pytest.raises(OSError, match="away"):
        await known.get("key")
    database.error = None
    await asyncio.sleep(0)  # a reading that has just ended is forgotten at the loop's next turn
    assert await known.get("key") is not None


@in_virtual_time
async def test_what_is_kept_is_bounded_and_many_keys_do_not_drive_out_one_in_use(
    database: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(readings, "MOST", 50)
    known, database.seconds = Readings(database.read), 0.001
    await known.get("key")
    for round_ in range(3):
        await asyncio.gather(*(known.get(f"no{round_}-{number}") for number in range(40)))
        at_once(known.get("key"))
        await eventually(lambda times=round_ + 2: database.asked["key"] == times)
    assert len(known._kept) == 50
    await known.close()


@in_virtual_time
async def test_what_is_closed_reads_no_more(database: Database, known: Readings[float]):
    await known.get("key")
    at_once(known.get("key"))
    database.seconds = 60
    waiting = asyncio.create_task(known.get("other"))
    await eventually(lambda: database.asked["other"] == 1)
    await known.close()
    assert database.now == 0
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.sleep(KEPT)
    assert database.asked["key"] == 1
