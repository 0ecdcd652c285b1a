"""A province restored from a copy of before a record ended below: no door shows it, and all is right afterwards."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import asyncpg
import httpx
import pytest

from creditmesh.exchange.operations import answering
from creditmesh.exchange.operations.answering import Waiting
from creditmesh.exchange.operations.comparing import compared
from tests.journeys.mesh import GONE, SHOWN, Mesh, accepted, assembled, done, looks, organisation
from tests.support.cast import BY_MATTER, DEFAULTER, MATTER, Cast, defaulter, penalty, uscc
from tests.support.chain import Place, chained
from tests.support.eventually import eventually
from tests.support.node import TestNode
from tests.support.postgres import Postgres
from tests.support.restoring import copied, put_back, started

ORDER = 41
PROVINCES = "11990000000010022D"
"""The code of the province's market regulation."""
BEHIND = "select peer from bus.catching_up"


@pytest.fixture
async def mesh(postgres: Postgres, tmp_path: Path) -> AsyncIterator[Mesh]:
    places = Place(code="province", tier="province"), Place(code="city", tier="city", above="province")
    async with chained(postgres, tmp_path, *places) as chain:
        made = await assembled(chain)
        await made.person("subject", uscc(ORDER), kind="organisation", document="uscc", at=("province",))
        yield made


async def listed(mesh: Mesh, number: int) -> str:
    """A record of the city's court about the organisation."""
    row = defaulter(f"(2026)示0101执{number:04d}号", today=mesh.city.today)
    return await accepted(mesh.city, row, by="court", item=DEFAULTER)


async def withdrawn(mesh: Mesh, record: str) -> None:
    said = {"reason": "error"}
    place = f"/v1/records/{record}/withdrawal"
    done(await mesh.city.door("court").post(place, json=said, headers={"If-Match": '"1"'}))


async def doors(cast: Cast) -> list[httpx.Response]:
    """What every door answers now that may say something of the organisation."""
    asker, subject, anybody = cast.door("asker"), cast.door("subject"), cast.door()
    ask = {"matter": MATTER, "officer": "W-17"}
    return await asyncio.gather(
        asker.post("/v1/queries", json={"subject": organisation(ORDER), **BY_MATTER}),
        asker.post("/v1/screenings", params=ask, json=organisation(ORDER)),
        asker.post("/v1/eligibility", params=ask, json={"subject": organisation(ORDER), "years": 3}),
        asker.get("/v1/designations?list=judgment_defaulters"),
        asker.get("/v1/tasks"),
        subject.get("/v1/me/file"),
        subject.get("/v1/me/export"),
        anybody.get(f"/v1/public/records?item={DEFAULTER}"),
        anybody.post("/v1/public/searches", json={"code": uscc(ORDER)}),
    )


async def say(cast: Cast, record: str) -> bool:
    return all(answer.status_code == 200 and record in answer.text for answer in await doors(cast))


async def refused(cast: Cast) -> bool:
    answers = await doors(cast)
    return all(answer.status_code == 503 and answer.json()["code"] == "catching_up" for answer in answers)


async def behind(mesh: Mesh) -> list[str]:
    async with mesh.chain["province"].database.session() as session:
        return [row["peer"] for row in await session.fetch(BEHIND)]


async def answers_nothing(*_: object, **__: object) -> Waiting:
    return Waiting([], soon=False)


@pytest.mark.parametrize("said", [True, False], ids=["its operator says so", "nobody says so"])
async def test_what_ended_after_the_backup_is_said_by_no_door_until_the_province_has_caught_up(
    mesh: Mesh,
    monkeypatch: pytest.MonkeyPatch,
    said: bool,  # noqa: FBT001
):
    cast, province = mesh["province"], mesh.chain["province"]
    record = await listed(mesh, 1)
    await mesh.settled()
    task = done(await cast.door("asker").get("/v1/tasks"))["items"][0]
    await copied(province)
    assert await say(cast, record)
    await withdrawn(mesh, record)
    await mesh.settled()
    assert await looks(cast, ORDER, record) == GONE
    unsent = answering.unsent
    monkeypatch.setattr(answering, "unsent", answers_nothing)  # so that it has not caught up before it is looked at
    await put_back(province, said=said)
    if not said:
        await eventually(lambda: refused(cast))
    assert await refused(cast)
    await eventually(lambda: "catch up city/up" in province.host.equipment["exchange"].stopped)
    own = penalty("示省市监罚〔2026〕1号", today=cast.today, CF_CFJGDM=PROVINCES, CF_SJLYDM=PROVINCES)
    await accepted(cast, own)
    assert await refused(cast)
    for outcome in ("lifted", "applied"):
        given = {"outcome": outcome, "officer": "W-17"}
        path = f"/v1/tasks/{task['id']}/feedback"
        answer = await cast.door("asker").post(path, json=given, headers={"If-Match": '"0"'})
        assert (answer.status_code, answer.json()["code"]) == (503, "catching_up"), outcome
    monkeypatch.setattr(answering, "unsent", unsent)
    await eventually(lambda: opened(mesh))
    assert await looks(cast, ORDER, record) == GONE
    saying = [answer for answer in await doors(cast) if record in answer.text]
    assert all(record not in str(answer.json()["records"]) for answer in saying), "an export has who looked at it"
    await restored(province, "down", "down-city")  # looks at copies were told to the city since
    another = await listed(mesh, 2)
    await mesh.settled()
    assert await looks(cast, ORDER, another) == SHOWN


async def restored(node: TestNode, *feeds: str) -> None:
    """These of its feeds are fetched back."""
    for feed in feeds:
        while done(await node.operator().post(f"/v1/admin/feeds/{feed}/restore"))["peer"] is not None:
            pass


async def opened(mesh: Mesh) -> bool:
    answers = await doors(mesh["province"])
    return all(answer.status_code == 200 for answer in answers) and await behind(mesh) == []


async def test_while_the_city_is_away_nothing_is_shown_at_a_province_of_which_its_operator_says_so(mesh: Mesh):
    cast, province, city = mesh["province"], mesh.chain["province"], mesh.chain["city"]
    record = await listed(mesh, 1)
    await mesh.settled()
    await copied(province)
    await withdrawn(mesh, record)
    await mesh.settled()
    await city.host.stop()
    await put_back(province, said=True)
    assert await refused(cast)
    stopped = province.host.equipment["exchange"].stopped
    await eventually(lambda: "not heard" in stopped.get("catch up city/up", ""))
    assert await refused(cast)
    await started(city)
    await eventually(lambda: opened(mesh))
    assert await looks(cast, ORDER, record) == GONE


@pytest.mark.parametrize("said", [True, False], ids=["its operator says so", "nobody says so"])
async def test_what_a_city_ended_itself_is_said_by_no_door_of_it_until_it_is_made_again(mesh: Mesh, said: bool):  # noqa: FBT001
    city, province = mesh.chain["city"], mesh.chain["province"]
    record = await listed(mesh, 1)
    await mesh.settled()
    await copied(city)
    assert await public(mesh.city) == [record]
    await withdrawn(mesh, record)
    await mesh.settled()
    assert await public(mesh.city) == []
    if said:
        await province.host.stop()
    await put_back(city, said=said)
    if said:
        stopped = city.host.equipment["exchange"].stopped
        await eventually(lambda: "catch up city/up" in stopped)
        assert await public(mesh.city) == ["catching_up"], "who read its feed is away"
        await started(province)
    await eventually(lambda: compared(city.host.equipment["exchange"]).behind("up"))
    await eventually(lambda: is_public(mesh.city, ["catching_up"]))
    await restored(city, "up")
    await eventually(lambda: is_public(mesh.city, []))
    assert done(await mesh.city.door("court").get(f"/v1/records/{record}"))["state"] == "withdrawn"


async def test_a_city_shows_nothing_before_all_of_it_has_gone_by_what_was_made_again(
    mesh: Mesh,
):
    city, here = mesh.chain["city"], "select count(*) from exchange.lost_entry"
    record = await listed(mesh, 1)
    await mesh.settled()
    await copied(city)
    await withdrawn(mesh, record)
    await mesh.settled()
    await put_back(city)
    await eventually(lambda: is_public(mesh.city, ["catching_up"]))
    letter = (
        "insert into repair.dead_letter (stream, part, number, id, type, version, key, at, legal_date, data, error)"
        " select 'ingestion', part, 0, gen_random_uuid(), 'record.changed', 1, subject::text, now(), current_date, '{}'"
        "     , 'x'"
        "   from query.record where record = $1"
    )
    async with city.database.session() as session:
        async with session.transaction():
            await session.execute("select from query.record where record = $1 for update", record)
            await restored(city, "up")
            async with city.database.session() as looking:
                await looking.execute(letter, record)
                await eventually(partial(_is, looking, here, 0))
            await asyncio.sleep(2.5)  # what must not come has had its time
            assert await public(mesh.city) == ["catching_up"], "query has not gone by it"
        await mesh.settled()
        await asyncio.sleep(2.5)
        assert await public(mesh.city) == ["catching_up"], "its person is parked in repair"
        await session.execute("delete from repair.dead_letter")
    await eventually(lambda: is_public(mesh.city, []))


async def _is(session: asyncpg.Connection, query: str, wanted: object) -> bool:
    return await session.fetchval(query) == wanted


async def public(cast: Cast) -> list[str]:
    """The records of the organisation that anybody finds, or why nobody finds any."""
    answer = await cast.door().post("/v1/public/searches", json={"code": uscc(ORDER)})
    return [answer.json()["code"]] if answer.is_error else [each["record"] for each in answer.json()["items"]]


async def is_public(cast: Cast, wanted: list[str]) -> bool:
    return await public(cast) == wanted


async def test_a_node_that_lost_nothing_is_closed_by_nothing_when_it_starts_again(mesh: Mesh):
    cast, province = mesh["province"], mesh.chain["province"]
    record = await listed(mesh, 1)
    await mesh.settled()
    async with mesh.chain["city"].database.session() as session:
        assert await session.fetchval("select signed from exchange.answer where node = 'province'") is not None
    await province.host.stop()
    await started(province)
    assert await say(cast, record)
    await eventually(lambda: "city" in compared(province.host.equipment["exchange"]).senders)
    assert await behind(mesh) == []
    assert await say(cast, record)
