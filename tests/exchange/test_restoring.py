"""A node whose database was restored signs no second history, and has its own entries back from who verified them."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest

from creditmesh.catalogue import operations as catalogue
from creditmesh.catalogue.objects import entry_of
from creditmesh.exchange.chunks import alone
from creditmesh.exchange.operations import answering, receiving
from creditmesh.node import run_files
from creditmesh.node.restoring import NAMES
from creditmesh.node.run_files import RunFile
from creditmesh.schemas.events import HolderChanged
from creditmesh.schemas.exchange import FeedEntry
from creditmesh.schemas.tlog import Range, leaf_hash
from tests.exchange.conftest import City
from tests.exchange.sender import Puller, pulling_from_a_sender
from tests.support.cast import ITEM, penalty, resident
from tests.support.chain import Chain, Place, chained, copied, size_of
from tests.support.eventually import eventually
from tests.support.node import TestNode, department
from tests.support.postgres import Postgres
from tests.support.restoring import copied as database_copied
from tests.support.restoring import put_back

INVENTED = {
    "code": "invented",
    "name": "Invented list",
    "name_zh": "虚构名单",
    "colour": "red",
    "basis": [{"law": "Invented decision", "law_zh": "虚构决定", "in_force_from": "2020-01-01", "level": "province"}],
}
MARKET = department("market_regulation")
ENTRIES = "select index, line, salt, body from exchange.feed_entry where feed = 'up' order by index"


@pytest.fixture
async def chain(postgres: Postgres, tmp_path: Path) -> AsyncIterator[Chain]:
    places = Place(code="province", tier="province"), Place(code="city", tier="city", above="province")
    async with chained(postgres, tmp_path, *places) as made:
        try:
            yield made
        finally:
            await made["city"].host.stop()


async def submit(city: TestNode, number: int, *, status: int = 201) -> str:
    today = city.host.clock.legal_date()
    row = penalty(f"示市监罚〔2026〕{number}号", today=today, CF_XDR_ZJHM=resident(number))
    answer = await city.client("ingestion", MARKET).post(f"/v1/items/{ITEM}/records", json=row)
    assert answer.status_code == status, answer.text
    return str(answer.json()["record"])


async def withdraw(city: TestNode, record: str, rev: int) -> None:
    answer = await city.client("ingestion", MARKET).post(
        f"/v1/records/{record}/withdrawal", json={"reason": "error"}, headers={"If-Match": f'"{rev}"'}
    )
    assert answer.is_success, answer.text


async def entries(node: TestNode) -> list[tuple]:
    async with node.database.session() as session:
        return [tuple(row) for row in await session.fetch(ENTRIES)]


async def alarm(node: TestNode) -> str | None:
    async with node.database.session() as session:
        return await session.fetchval("select alarm from exchange.copy_head where peer = 'city' and feed = 'up'")


async def ends_above(chain: Chain, first: str, second: str, third: str) -> None:
    """What ended before the loss is answered for, and what ends after it ends above."""
    city, province = chain["city"], chain["province"]
    await withdraw(city, second, 1)
    await chain.settled()
    for record, state in ((first, "withdrawn"), (second, "withdrawn"), (third, "published")):
        for node in (city, province):
            assert await state_of(node, record) == state
    for record in (first, second):
        assert await acknowledged(city, record) == ["province"]
    async with city.database.session() as session:
        query = "select count(*) from exchange.feed_entry where record is not null and subject is null"
        assert await session.fetchval(query) == 0
        query = "select count(*) from exchange.feed_entry where feed = 'up' group by record, rev having count(*) > 1"
        assert await session.fetchval(query.replace("where", "where record is not null and")) is None


async def state_of(node: TestNode, record: str) -> str:
    query = "select state from ingestion.revision where record = $1 order by rev desc limit 1"
    async with node.database.session() as session:
        return str(await session.fetchval(query, UUID(record)))


async def acknowledged(city: TestNode, record: str) -> list[str]:
    """Who has answered for the end of the record, as its certificate says."""
    query = "select data from repair.propagation where record = $1 and rev = 2"
    async with city.database.session() as session:
        lines = [HolderChanged.model_validate_json(row["data"]) for row in await session.fetch(query, UUID(record))]
    return [line.holder for line in lines if line.outcome == "acknowledged" and line.proof is not None]


async def readiness(node: TestNode) -> dict[str, Any]:
    return dict((await node.operator().get("/health/ready")).json())


async def went_back(chain: Chain) -> tuple[list[tuple], dict[str, int]]:
    """The city as it was one record ago; the entries that it had signed since, and the newest revisions in them."""
    city = chain["city"]
    first = await submit(city, 1)
    await chain.settled()
    await database_copied(city)
    second, third = await submit(city, 2), await submit(city, 3)
    await withdraw(city, first, 1)
    await chain.settled()
    signed = await entries(city)
    await put_back(city)
    return signed, {first: 2, second: 1, third: 1}


async def test_a_restored_node_signs_no_second_history_and_what_it_takes_meanwhile_goes_up_afterwards(chain: Chain):
    city, province = chain["city"], chain["province"]
    signed, lost = await went_back(chain)
    had = await size_of(city, "up")
    assert had < len(signed)
    await submit(city, 4)
    await eventually(lambda: _waits(city))
    assert await size_of(city, "up") == had
    assert await alarm(province) is None
    answer = await city.operator().get("/v1/admin/feeds")
    [own] = [feed for feed in answer.json()["items"] if feed["feed"] == "up" and feed["peer"] is None]
    assert own["alarm"] == f"behind province ({len(signed)})"

    names, *listed = await restored(city)
    assert (await entries(city))[: len(signed)] == signed
    assert (names, listed) == (list(NAMES), [])
    await city.settled()
    assert {record: await newest_of(city, record) for record in lost} == lost
    assert await submit(city, 2, status=200) in lost, "a row that is sent again is the record that it was"

    await eventually(lambda: _goes_on(chain, len(signed) + 1))
    assert await alarm(province) is None
    assert (await readiness(city))["waits_for"] == {}
    assert await restored(city) == [names, *listed], "once more it changes nothing"
    await ends_above(chain, *lost)
    whole, _ = Range.empty().extended(leaf_hash(line.encode()) for _, line, _, _ in await entries(city))
    async with province.database.session() as session:
        copy = await session.fetchrow("select size, stack from exchange.copy_head where peer = 'city' and feed = 'up'")
    assert (copy["size"], copy["stack"]) == (whole.size, whole.packed())


async def newest_of(city: TestNode, record: str) -> int:
    answer = await city.client("ingestion", MARKET).get(f"/v1/records/{record}")
    assert answer.is_success, answer.text
    return int(answer.headers["etag"].strip('"'))


async def restored(node: TestNode, *options: str) -> list[list[str]]:
    """What the operator's command prints: line by line, the names first."""
    host, code = node.host, node.host.settings.node
    run = RunFile(
        process="node", pid=os.getpid(), services=tuple(host.hosted), url=host.url, operator=host.operator_url
    )
    run_files.write(host.settings.state, run)
    environment = {
        "CREDITMESH_NODE": code,
        "CREDITMESH_TIER": host.settings.tier,
        "CREDITMESH_STATE": str(host.settings.state),
    }
    command = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "creditmesh.node",
        "restore",
        *options,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | environment,
    )
    said, _ = await command.communicate()
    assert command.returncode == 0
    return [line.split("\t") for line in said.decode().splitlines()]


async def _waits(city: TestNode) -> bool:
    """Readiness names the feed, and the parts that would append stand still with an alarm."""
    said = await readiness(city)
    held = said.get("waits_for", {}).get("exchange", {})
    return "restore up" in held and not said["ready"] and any("FeedBehind" in each for each in said["bus"]["alarms"])


async def _has(city: TestNode, province: TestNode, size: int) -> bool:
    """The city still has all of it, and the province knows that it lacks something."""
    held = (await readiness(province)).get("waits_for", {}).get("exchange", {})
    return held.get("restore down") == {"city": size} and await copied(city, "province", "down") == size


async def _goes_on(chain: Chain, size: int) -> bool:
    return await size_of(chain["city"], "up") == await copied(chain["province"], "city", "up") == size


async def test_a_number_that_was_used_twice_is_refused_above_and_listed(chain: Chain):
    """Whoever changes a record before it is whole again has made another revision of that number."""
    city = chain["city"]
    signed, lost = await went_back(chain)
    first = next(iter(lost))
    row = penalty(
        "示市监罚〔2026〕1号", today=city.host.clock.legal_date(), CF_XDR_ZJHM=resident(1), CF_SY="未按期公示年报。"
    )
    answer = await city.client("ingestion", MARKET).post(
        f"/v1/records/{first}/corrections", json={"fields": row, "reason": "error"}, headers={"If-Match": '"1"'}
    )
    assert answer.json()["verdict"] == "corrected", answer.text
    _, *listed = await restored(city)
    assert [(each[2], each[3], each[4], each[-1]) for each in listed] == [
        (first, "2", "withdrawn", "contradictory_entry")
    ]
    await chain.settled()
    assert await state_of(chain["province"], first) == "withdrawn"
    async with city.database.session() as session:
        query = "select code from exchange.refusal where feed = 'up' and index >= $1"
        assert [row["code"] for row in await session.fetch(query, len(signed))] == ["contradictory_entry"]
    place = f"{listed[0][0]}/{listed[0][1]}"
    await eventually(lambda: _says_lost(city, "restored up"))
    assert (await restored(city, "--dismiss", place))[1:] == []


async def test_what_was_published_and_lost_is_listed_until_it_is_published_again(chain: Chain):
    province, city = chain["province"], chain["city"]
    await chain.settled()
    await database_copied(province)
    published = entry_of("list", INVENTED)
    async with province.context("catalogue") as ctx:
        await catalogue.publish(ctx, [published], issued_by="province")
    await chain.settled()
    had = await size_of(province, "down")
    await put_back(province)
    await eventually(lambda: _has(city, province, had))
    _, *listed = await restored(province)
    assert [(each[0], each[4], each[7], each[8], each[9]) for each in listed] == [
        ("down", "published", "list", "invented", "publish_again")
    ]
    await eventually(lambda: _says_lost(province, "restored down"))
    async with province.context("catalogue") as ctx:
        await catalogue.publish(ctx, [published], issued_by="province")
    await province.settled()
    assert (await restored(province))[1:] == []


async def _says_lost(node: TestNode, what: str) -> bool:
    return what in (await readiness(node))["stopped"].get("exchange", {})


async def test_a_copy_is_told_of_to_the_node_whose_feed_it_is_and_to_nobody_else(city: City):
    for code, feed, status in (
        ("district", "up", 200), ("district", "down", 404), ("province", "down", 200), ("province", "down-city", 200),
        ("province", "up", 404), ("province", "down-district", 404), ("stranger", "up", 404),
    ):  # fmt: skip
        for path in (f"/v1/exchange/copies/{feed}", f"/v1/exchange/copies/{feed}/entries"):
            answer = await city.client(code).get(path)
            assert answer.status_code == status, (code, path)
            assert status == 200 or answer.json()["code"] == "no_such_feed"


async def own_entries(puller: Puller, after: int = 0) -> httpx.Response:
    """What the city gives the sender back of its own feed."""
    return await puller.city.client(puller.sender.who.code).get(f"/v1/exchange/copies/up/entries?after={after}")


async def test_a_copy_is_given_back_as_it_came_head_by_head(city: City, tmp_path: Path):
    async with pulling_from_a_sender(city, tmp_path) as puller:
        sizes = []
        for count, text in ((730, ""), (3, "long " * 20_000), (2, "")):
            puller.sender.add(count, text=text)
            await puller.step()
            sizes.append(len(puller.sender.entries))
        await city.node.settled()  # what was refused has lost its body by now
        given: list[dict[str, Any]] = []
        while content := (await own_entries(puller, len(given))).content:
            *lines, note = map(orjson.loads, content.splitlines())
            given += lines
            assert note == {"checkpoint": puller.sender.note(given)}
            assert len(given) == sizes.pop(0)
        assert given == [each | {"salt": None, "body": None} for each in puller.sender.entries]


async def test_what_was_pulled_again_is_given_back_with_its_body(city: City, tmp_path: Path):
    async with pulling_from_a_sender(city, tmp_path) as puller:
        puller.sender.add(2)
        await puller.step()
        code = puller.sender.who.code
        await city.node.settled()
        async with city.node.context("exchange") as ctx:
            await answering.forget(await ctx.session(), [(code, "up", 0), (code, "up", 1)])
            entry = FeedEntry.model_validate_json(orjson.dumps(puller.sender.entries[0]))
            await receiving.keep(ctx, [alone(code, "up", entry)], tell=False)
        *lines, _ = map(orjson.loads, (await own_entries(puller)).content.splitlines())
        assert [each["body"] for each in lines] == [puller.sender.entries[0]["body"], None]


async def test_more_entries_than_a_page_takes_are_not_read_at_all(city: City, tmp_path: Path):
    """An older version kept one head of all that it had pulled."""
    async with pulling_from_a_sender(city, tmp_path) as puller:
        for count in (3000, 3000, 1):
            puller.sender.add(count)
            await puller.step()
        async with city.node.database.session() as session:
            query = "update exchange.copy_checkpoint set note = null where peer = $1 and size = 3000"
            await session.execute(query, puller.sender.who.code)
        answers = [await own_entries(puller, after) for after in (0, 3000, 6000)]
        assert [answer.status_code for answer in answers] == [404, 200, 200]
        assert answers[0].json()["code"] == "entries_not_kept"
        assert [len(answer.content.splitlines()) for answer in answers[1:]] == [3001, 2]
