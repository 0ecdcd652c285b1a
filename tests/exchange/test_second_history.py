"""A node that went back before its parent, and shared since, sets aside what nobody holds and says it again behind."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from creditmesh.chassis.errors import Unavailable
from creditmesh.exchange.errors import NotSetAside
from creditmesh.exchange.operations import restoring, saying_again, setting_aside
from creditmesh.exchange.operations.comparing import compared
from tests.exchange.test_restoring import (
    MARKET,
    acknowledged,
    alarm,
    correct,
    entries,
    none_is_being_made_again,
    restored,
    state_of,
    submit,
    withdraw,
)
from tests.support.cast import penalty, resident
from tests.support.chain import Chain, Place, chained, copied, enrol, has_compared, size_of
from tests.support.eventually import eventually
from tests.support.node import TestNode
from tests.support.postgres import Postgres
from tests.support.restoring import copied as database_copied
from tests.support.restoring import put_back

SHOWN = "select data from ingestion.revision where record = $1 order by rev desc limit 1"
LEFT = "select count(*) from exchange.set_aside"
TWICE = """
    select record, rev from exchange.feed_entry where feed = 'up' and record is not null
     group by record, rev having count(*) > 1
"""
HELD = "select rev, state, said from ingestion.revision where record = $1 order by rev desc limit 1"


@pytest.fixture
async def apart(postgres: Postgres, tmp_path: Path) -> AsyncIterator[Chain]:
    """A city and a province that do not know each other."""
    places = Place(code="province", tier="province"), Place(code="city", tier="city")
    async with chained(postgres, tmp_path, *places) as chain:
        yield chain


async def joined(chain: Chain) -> None:
    city, province = chain["city"], chain["province"]
    await enrol(city, province, place="above", again=True)
    await enrol(province, city, place="below", sends_for=("city",), again=True)


async def all_is_above(chain: Chain) -> None:
    """Everything that the city has shared is verified by the province, and answered for."""
    city, province = chain["city"], chain["province"]
    await city.settled()
    await eventually(lambda: _has_all(province, city))
    await province.settled()


async def _has_all(province: TestNode, city: TestNode) -> bool:
    return await copied(province, "city", "up") == await size_of(city, "up")


def reworded(city: TestNode, number: int, words: str) -> dict[str, str]:
    today = city.host.clock.legal_date()
    return penalty(f"示市监罚〔2026〕{number}号", today=today, CF_XDR_ZJHM=resident(number), CF_SY=words)


async def is_behind(city: TestNode) -> bool:
    return bool(compared(city.host.equipment["exchange"]).behind("up"))


async def went_back(chain: Chain, *, before: Callable[[], Awaitable[Any]], since: Callable[[], Awaitable[Any]]) -> int:
    """The city as it was before it was enrolled; how much the province holds of what it said after that.

    `before`: what is done in the time that is lost; `since`: what is done before the province is there again.
    """
    city, province = chain["city"], chain["province"]
    await city.settled()
    await database_copied(city)
    await joined(chain)
    await before()
    await all_is_above(chain)
    await put_back(city)
    await since()
    await city.settled()
    await joined(chain)
    await eventually(lambda: is_behind(city))
    return await copied(province, "city", "up")


async def what_nobody_holds(city: TestNode) -> dict[str, Any]:
    await eventually(lambda: has_compared(city))
    answer = await city.operator().get("/v1/admin/feeds/up/second-history")
    assert answer.is_success, answer.text
    return dict(answer.json())


async def nothing_is_left(city: TestNode) -> bool:
    async with city.database.session() as session:
        return await session.fetchval(LEFT) == 0


async def goes_on(chain: Chain) -> None:
    """What was set aside is said again, all of it is above, and both nodes have one history of it."""
    city, province = chain["city"], chain["province"]
    await eventually(lambda: nothing_is_left(city))
    await eventually(lambda: none_is_being_made_again(city))
    await all_is_above(chain)
    await eventually(lambda: nothing_is_hidden(city))
    assert await alarm(province) is None
    async with city.database.session() as session, province.database.session() as above:
        head = await session.fetchrow("select size, stack from exchange.feed_head where feed = 'up'")
        copy = await above.fetchrow("select size, stack from exchange.copy_head where peer = 'city' and feed = 'up'")
        assert await session.fetch(TWICE) == [], "a number was said twice"
    assert tuple(head) == tuple(copy)


async def nothing_is_hidden(city: TestNode) -> bool:
    async with city.database.session() as session:
        return await session.fetchval("select count(*) from bus.catching_up") == 0


async def set_aside(city: TestNode) -> list[list[str]]:
    """As the operator does: look, say the head, wait; what is listed then."""
    head = (await what_nobody_holds(city))["head"]
    return (await restored(city, "--set-aside", "up", "--confirm", head))[1:]


async def says(node: TestNode, record: str) -> tuple[str, str | None]:
    """The state of a record at a node, and why it was decided."""
    answer = await node.operator("ingestion").get(f"/v1/admin/records/{record}")
    said = answer.json()
    return said["state"], said["fields"].get("CF_SY")


async def test_what_was_shared_before_the_parent_was_there_again_goes_up_behind_what_it_holds(apart: Chain):
    city, province = apart["city"], apart["province"]
    first = await submit(city, 1)
    made = dict[str, str]()

    async def before() -> None:
        made["lost"] = await submit(city, 2)
        await withdraw(city, first, 1)

    async def since() -> None:
        made["new"] = await submit(city, 3)
        made["ended"] = await submit(city, 4)
        await withdraw(city, made["ended"], 1)

    held = await went_back(apart, before=before, since=since)
    stood = await entries(city)
    answer = await city.operator().post("/v1/admin/feeds/up/restore")
    assert (answer.status_code, answer.json()["code"]) == (409, "feed_not_restored")
    assert "--set-aside up" in answer.json()["detail"]
    said = await what_nobody_holds(city)
    assert said["readers"] == [{"node": "province", "holds": held, "common": said["first"]}]
    assert said["size"] == len(stood) == said["first"] + said["entries"]
    assert said["records"] == 2
    assert await entries(city) == stood, "to look changes nothing"

    assert await set_aside(city) == []
    await goes_on(apart)
    for record, state in ((first, "withdrawn"), (made["lost"], "published"), (made["new"], "published")):
        assert [await state_of(node, record) for node in (city, province)] == [state] * 2
    assert await state_of(city, made["ended"]) == "withdrawn"
    for record in (first, made["ended"]):
        await eventually(lambda record=record: _is_answered(city, record))
    lines = [line for _, line, _, _ in await entries(city)]
    assert len(lines) > held
    again = [line for _, line, _, _ in stood[said["first"] :] if '"record"' in line and '"feed.key"' not in line]
    assert [line for line in lines if line in again] == again, "they are the lines that they were, in their order"
    fourth = await submit(city, 5)
    await all_is_above(apart)
    assert await state_of(province, fourth) == "published"
    assert (await what_nobody_holds(city))["head"] is None
    async with city.database.session() as session:
        kept = await session.fetchrow("select first, size, note from exchange.second_history")
    assert (kept["first"], kept["size"]) == (said["first"], said["size"])
    assert kept["note"].startswith("creditmesh/city/up\n")


async def _is_answered(city: TestNode, record: str) -> bool:
    return await acknowledged(city, record) == ["province"]
