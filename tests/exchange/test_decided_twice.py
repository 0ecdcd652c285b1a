"""What departments decide, and the law takes back, while a second history is said again behind the first."""

import asyncio
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from creditmesh.chassis.database.session import Session
from creditmesh.chassis.service import Declaration
from creditmesh.exchange.operations import forgetting, saying_again
from creditmesh.exchange.operations.comparing import compared
from creditmesh.exchange.store import lost
from creditmesh.exchange.store.lost import LostEntry
from creditmesh.schemas.events import RecordPurged
from tests.exchange.test_restoring import (
    correct,
    entries,
    none_is_being_made_again,
    publish_item,
    state_of,
    submit,
    withdraw,
)
from tests.exchange.test_second_history import (
    NUMBERS,
    all_is_above,
    apart,
    goes_on,
    is_behind,
    joined,
    nothing_is_left,
    of_none,
    reworded,
    says,
    set_aside,
    went_back,
)
from tests.support.cast import ITEM
from tests.support.chain import Chain, Place, chained, copied, enrol, has_compared, size_of
from tests.support.eventually import eventually
from tests.support.node import TestNode
from tests.support.postgres import Postgres
from tests.support.restoring import copied as database_copied
from tests.support.restoring import duplicated, put_back, started

__all__ = ["apart"]
OF_RECORD = "select count(*) from exchange.set_aside where record = $1"
BODY = "select body, packed from exchange.feed_entry where feed = 'up' and record = $1 and body is not null"
TO_FORGET = "select count(*) from exchange.to_forget"


@pytest.fixture
def held_up(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """What was set aside is said again turn by turn, as a test says; `undo` has the node go on by itself."""
    monkeypatch.setattr(saying_again, "waiting", of_none)
    return monkeypatch


async def value(node: TestNode, query: str, *arguments: object) -> int:
    async with node.database.session() as session:
        return int(await session.fetchval(query, *arguments))


async def begun_without_reader(node: TestNode, name: str) -> Declaration:
    """Begin a process of the node in which this service reads no events; how it was declared before."""
    whole = node.host.declaration
    await node.host.stop()
    services = [replace(each, handles={}) if each.name == name else each for each in whole.services]
    node.host.declaration = replace(whole, services=services)
    await started(node)
    return whole


@pytest.mark.parametrize("decision", ["withdrawn", "corrected"])
async def test_what_the_department_decides_while_it_is_said_again_holds_at_every_tier(
    apart: Chain,
    held_up: pytest.MonkeyPatch,
    decision: str,
):
    city, province = apart["city"], apart["province"]
    record = await submit(city, 1)

    async def before() -> None:
        await correct(city, record, reworded(city, 1, "先行决定。"))

    async def since() -> None:
        await correct(city, record, reworded(city, 1, "其后决定。"))

    await went_back(apart, before=before, since=since)
    await set_aside(city)
    await eventually(lambda: none_is_being_made_again(city))
    decided = False
    while not decided:  # it is decided while the last turn is under way, so that the exchange reads it after that
        async with city.context("exchange") as ctx:
            await saying_again.say_again(ctx, "up")
            if await (await ctx.session()).value("select count(*) from exchange.set_aside") == 0:
                await _decide(city, record, decision)
                decided = True
    held_up.undo()
    await goes_on(apart)
    for node in (city, province):
        if decision == "withdrawn":
            assert await state_of(node, record) == "withdrawn", node.host.settings.node
        else:
            assert await says(node, record) == ("published", "最后决定。"), node.host.settings.node


async def _decide(city: TestNode, record: str, decision: str) -> None:
    if decision == "withdrawn":
        await withdraw(city, record, 2)
    else:
        await correct(city, record, reworded(city, 1, "最后决定。"), rev=2)


async def test_what_was_shared_twice_is_not_said_above_its_correction(
    apart: Chain,
    held_up: pytest.MonkeyPatch,
):
    """The backup was made before the exchange had read the record: it is shared in both histories, as one revision."""
    city, province = apart["city"], apart["province"]
    records = list[str]()

    async def unread(node: TestNode) -> None:
        whole = await begun_without_reader(node, "exchange")
        records.append(await submit(node, 1))
        await node.host.stop()
        await duplicated(node)
        node.host.declaration = whole
        await started(node)
        await node.settled()

    async def before() -> None:
        await correct(city, records[0], reworded(city, 1, "先行决定。"))

    async def since() -> None:
        await submit(city, 2)

    await went_back(apart, before=before, since=since, copying=unread)
    await set_aside(city)
    assert await value(city, OF_RECORD, UUID(records[0])) == 1, "it was shared again, and set aside"
    held_up.undo()
    await goes_on(apart)
    assert [await says(node, records[0]) for node in (city, province)] == [("published", "先行决定。")] * 2
    async with city.database.session() as session:
        assert [row["rev"] for row in await session.fetch(NUMBERS, UUID(records[0]))] == [1, 2]


async def test_what_was_said_again_and_corrected_before_a_backup_is_put_back_stays_corrected(
    apart: Chain,
    held_up: pytest.MonkeyPatch,
):
    """The backup still has what was set aside: all of that was said since, and more is decided above it."""
    city, province = apart["city"], apart["province"]
    record = await submit(city, 1)

    async def before() -> None:
        await correct(city, record, reworded(city, 1, "先行决定。"))

    async def since() -> None:
        await correct(city, record, reworded(city, 1, "其后决定。"))

    await went_back(apart, before=before, since=since)
    await set_aside(city)
    await eventually(lambda: none_is_being_made_again(city))
    await database_copied(city)
    assert await value(city, OF_RECORD, UUID(record)) == 1
    held_up.undo()
    await goes_on(apart)
    await correct(city, record, reworded(city, 1, "最后决定。"), rev=3)
    await all_is_above(apart)
    held_up.setattr(saying_again, "waiting", of_none)
    await put_back(city)
    await eventually(lambda: is_behind(city))
    await _fetch_back(city)
    await eventually(lambda: none_is_being_made_again(city))
    held_up.undo()
    await goes_on(apart)
    assert [await says(node, record) for node in (city, province)] == [("published", "最后决定。")] * 2


async def _fetch_back(city: TestNode) -> None:
    while True:
        answer = await city.operator().post("/v1/admin/feeds/up/restore")
        assert answer.is_success, answer.text
        if answer.json()["peer"] is None:
            return


async def test_content_of_an_item_that_is_shared_no_more_does_not_go_up_under_another_number(
    apart: Chain,
    held_up: pytest.MonkeyPatch,
):
    city, province = apart["city"], apart["province"]
    record = await submit(city, 1)

    async def before() -> None:
        await correct(city, record, reworded(city, 1, "先行决定。"))

    async def since() -> None:
        await correct(city, record, reworded(city, 1, "其后决定。"))

    await went_back(apart, before=before, since=since)
    await set_aside(city)
    await eventually(lambda: none_is_being_made_again(city))
    await publish_item(city, shared_upwards=False)
    await city.settled()
    while not await nothing_is_left(city):
        async with city.context("exchange") as ctx:
            await saying_again.say_again(ctx, "up")
            said = await (await ctx.session()).fetch(
                "select body, packed from exchange.feed_entry where feed = 'up' and record = :record and rev > 2",
                {"record": UUID(record)},
            )
            assert [row for row in said if row.packed is not None] == [], "content was put into the feed"
    held_up.undo()
    await goes_on(apart)
    assert (await says(city, record)) == ("published", "其后决定。")
    assert await state_of(province, record) == "withheld"


async def test_what_is_deleted_while_it_is_said_again_does_not_stay_above(
    apart: Chain,
    held_up: pytest.MonkeyPatch,
):
    city = apart["city"]
    records = list[str]()

    async def before() -> None:
        await submit(city, 1)

    async def since() -> None:
        records.extend([await submit(city, number) for number in (2, 3)])

    await went_back(apart, before=before, since=since)
    await set_aside(city)
    await eventually(lambda: none_is_being_made_again(city))
    kept, gone = (UUID(record) for record in records)
    found = lost.of_records

    async def while_it_is_deleted(session: Session, feed: str, wanted: Collection[UUID]) -> list[LostEntry]:
        """The turn has read its rows, and the node's own forgetter takes turns before it does anything with them."""
        if gone in wanted:
            async with city.context("exchange") as other:
                await forgetting.forget_purged(other, [RecordPurged(subject=gone, record=gone, item=ITEM)])
            await asyncio.sleep(3)
        return await found(session, feed, wanted)

    held_up.setattr(lost, "of_records", while_it_is_deleted)
    while not await nothing_is_left(city):
        async with city.context("exchange") as ctx:
            await saying_again.say_again(ctx, "up")
    held_up.undo()
    await eventually(lambda: _nothing_is_to_forget(city))
    async with city.database.session() as session:
        assert await session.fetch(BODY, gone) == [], "what was deleted stands in the feed"
        assert len(await session.fetch(BODY, kept)) == 1


async def _nothing_is_to_forget(city: TestNode) -> bool:
    return await value(city, TO_FORGET) == 0


async def test_what_a_reader_has_verified_since_it_was_asked_is_not_set_aside(postgres: Postgres, tmp_path: Path):
    """It pulls on, and answers for nothing, for one of its own readers stands still."""
    places = [Place(code=code, tier="province") for code in ("province", "yonder")]
    async with chained(postgres, tmp_path, *places, Place(code="city", tier="city")) as chain:
        city, province, yonder = chain["city"], chain["province"], chain["yonder"]
        await submit(city, 1)
        await city.settled()
        await database_copied(city)
        await joined(chain)
        await submit(city, 2)
        await all_is_above(chain)
        await put_back(city)
        await begun_without_reader(yonder, "ingestion")
        await enrol(city, yonder, place="above")
        await enrol(yonder, city, place="below", sends_for=("city",))
        await eventually(lambda: has_compared(city))
        heard = compared(city.host.equipment["exchange"]).held["up", "yonder"]
        await submit(city, 3)
        await city.settled()
        await eventually(lambda: _holds_all(yonder, city))
        await joined(chain)
        await eventually(lambda: is_behind(city))
        stood = await entries(city)
        assert (
            await value(city, "select count(*) from exchange.answer where node = 'yonder' and not isempty(applied)")
            == 0
        )
        answer = await city.operator().get("/v1/admin/feeds/up/second-history")
        assert (answer.status_code, answer.json()["code"]) == (409, "feed_not_set_aside"), (answer.text, heard)
        assert "yonder" in answer.json()["detail"]
        await province.host.stop()
        answer = await city.operator().get("/v1/admin/feeds/up/second-history")
        assert answer.status_code == httpx.codes.CONFLICT
        assert "province does not say what it holds" in answer.json()["detail"]
        assert [each[:2] for each in await entries(city)] == [each[:2] for each in stood]


async def _holds_all(reader: TestNode, city: TestNode) -> bool:
    return await copied(reader, "city", "up") == await size_of(city, "up")
