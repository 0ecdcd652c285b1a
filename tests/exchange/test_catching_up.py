"""A copy that is behind where its feed stood when it was announced tells of no record until it has stood there."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import httpx
import orjson
import pytest

from creditmesh.chassis.ids import new_id
from creditmesh.exchange import peer
from creditmesh.exchange.store import copies
from tests.exchange.test_pulling import Puller, puller  # noqa: F401 - a fixture
from tests.exchange.test_restoring import submit, withdraw
from tests.support.chain import Chain, Place, chained
from tests.support.postgres import Postgres
from tests.support.restoring import copied, put_back

KEPT = "select index, data from exchange.received where peer = $1 order by index"
TOLD = """
select r.index from exchange.received r join bus.event_queue q on q.event = r.id where r.peer = $1
union all
select r.index from exchange.received r join bus.event_order o on o.event = r.id where r.peer = $1
 order by index
"""
IN_ORDER = """
select r.index from exchange.received r join bus.event_order o on o.event = r.id where r.peer = $1 order by o.number
"""


class Records:
    """Pages of a sender's feed, one entry each, of a feed that is announced as longer than what was pulled so far."""

    def __init__(self, at: Puller) -> None:
        self._at = at
        self._whole = list(at.sender.entries)
        at.sender.entries = self._whole
        self._answer = at.sender.answer
        self.announced: int | None = None
        self.acknowledged = 0

    def add(self, record: UUID, rev: int, change: str) -> None:
        self._at.sender.add(1)
        entry = self._at.sender.entries[-1]
        line = orjson.loads(entry["line"]) | {"type": "record", "record": record, "rev": rev, "change": change}
        entry["line"] = orjson.dumps(line | {"origin": self._at.sender.who.code}, default=str).decode()

    def answer(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/feeds"):
            return self._answer(request)
        feed = {"feed": "up", "size": self.announced, "root": "", "acknowledged": self.acknowledged}
        return httpx.Response(200, json={"items": [feed]})


@pytest.fixture
def records(puller: Puller, monkeypatch: pytest.MonkeyPatch) -> Records:  # noqa: F811 - the fixture
    made = Records(puller)
    client = puller.pulling._peer().client
    monkeypatch.setattr(client, "_transport", httpx.MockTransport(made.answer))
    return made


async def told(at: Puller) -> list[int]:
    async with at.city.node.database.session() as session:
        return [row["index"] for row in await session.fetch(TOLD, at.sender.who.code)]


async def bodies(at: Puller) -> list[int]:
    """The entries that have their bodies still."""
    async with at.city.node.database.session() as session:
        rows = await session.fetch(KEPT, at.sender.who.code)
    return [row["index"] for row in rows if orjson.loads(row["data"])["body"] is not None]


async def test_nothing_is_told_before_the_copy_stands_where_the_feed_stood(puller: Puller, records: Records):  # noqa: F811
    first, second, third = new_id(), new_id(), new_id()
    records.announced = 7
    records.add(first, 1, "accepted")
    records.add(second, 1, "accepted")
    await puller.step()
    records.add(third, 1, "accepted")
    records.add(third, 2, "marked")
    await puller.step()
    assert await told(puller) == []
    records.add(first, 2, "corrected")
    records.add(second, 2, "repaired")
    records.add(first, 3, "corrected")
    await puller.step()
    assert await told(puller) == list(range(7))
    assert await bodies(puller) == [2, 3, 5, 6], "what was replaced or ended meanwhile is not said any more"
    async with puller.city.node.database.session() as session:
        assert await session.fetchval("select count(*) from exchange.held_entry") == 0
    records.add(first, 4, "withdrawn")
    await puller.step()
    assert await told(puller) == list(range(8))


async def test_what_is_held_back_is_told_in_the_order_of_the_feed(puller: Puller, records: Records):  # noqa: F811
    records.announced = 40
    for number in range(40):
        records.add(new_id(), 1, "accepted")
        if number % 7 == 0:
            await puller.step()
    await puller.step()
    await puller.city.node.settled()
    async with puller.city.node.database.session() as session:
        rows = await session.fetch(IN_ORDER, puller.sender.who.code)
    assert [row["index"] for row in rows] == list(range(40))


async def test_a_copy_that_lost_what_it_had_answered_for_holds_back_again(puller: Puller, records: Records):  # noqa: F811
    records.announced = 1
    records.add(new_id(), 1, "accepted")
    await puller.step()
    assert await told(puller) == [0]
    records.announced, records.acknowledged = 3, 2
    puller.pulling._at, puller.pulling._announced = None, False
    records.add(new_id(), 1, "accepted")
    await puller.step()
    assert await told(puller) == [0]
    async with puller.city.node.context("exchange") as ctx:
        assert (await copies.found(await ctx.session(), puller.sender.who.code, "up")).behind
    records.add(new_id(), 1, "accepted")
    await puller.step()
    assert await told(puller) == [0, 1, 2]


@pytest.fixture
async def chain(postgres: Postgres, tmp_path: Path) -> AsyncIterator[Chain]:
    places = Place(code="province", tier="province"), Place(code="city", tier="city", above="province")
    async with chained(postgres, tmp_path, *places) as made:
        try:
            yield made
        finally:
            await made["province"].host.stop()


async def test_a_receiver_that_begins_late_never_shows_what_had_ended(chain: Chain, monkeypatch: pytest.MonkeyPatch):
    city, province = chain["city"], chain["province"]
    await chain.settled()
    await copied(province)
    await chain.settled()
    monkeypatch.setattr(peer, "LIMIT", 1)  # so that the way there is many pages
    ended, corrected = await submit(city, 11), await submit(city, 12)
    others = [await submit(city, number) for number in range(13, 17)]
    await withdraw(city, ended, 1)
    await chain.settled()
    await put_back(province)
    await chain.settled()
    held = await chain_revisions(chain, "province")
    assert held.keys() == {UUID(record) for record in [corrected, *others]}
    assert all(changes == ["accepted"] for changes in held.values())


async def chain_revisions(chain: Chain, code: str) -> dict[UUID, list[str]]:
    found: dict[UUID, list[str]] = {}
    async with chain[code].database.session() as session:
        for row in await session.fetch("select record, data from ingestion.revision order by record, rev"):
            found.setdefault(row["record"], []).append(orjson.loads(row["data"])["change"])
    return found
