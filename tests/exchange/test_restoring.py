"""A node whose database was restored signs no second history, and has its own entries back from who verified them."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest

from creditmesh.catalogue import operations as catalogue
from creditmesh.catalogue.objects import entry_of
from creditmesh.exchange.chunks import alone
from creditmesh.exchange.entries import Draft
from creditmesh.exchange.operations import answering, receiving, sealing
from creditmesh.exchange.operations.comparing import compared
from creditmesh.exchange.operations.feeds import append
from creditmesh.exchange.store import lost
from creditmesh.node import run_files
from creditmesh.node.restoring import NAMES
from creditmesh.node.run_files import RunFile
from creditmesh.schemas.events import HolderChanged
from creditmesh.schemas.exchange import EntryLine, FeedEntry
from creditmesh.schemas.tlog import Range, leaf_hash
from tests.exchange.conftest import City, neighbour, row_of
from tests.exchange.sender import Puller, pulling_from_a_sender
from tests.support.bodies import body_of
from tests.support.cast import ITEM, penalty, resident, uscc
from tests.support.chain import Chain, Place, chained, copied, enrol, has_compared, size_of
from tests.support.eventually import eventually
from tests.support.node import TestNode, department
from tests.support.postgres import Postgres
from tests.support.reconciling import reconciled
from tests.support.restoring import copied as database_copied
from tests.support.restoring import duplicated, put_back, started

INVENTED = {
    "code": "invented",
    "name": "Invented list",
    "name_zh": "虚构名单",
    "colour": "red",
    "basis": [{"law": "Invented decision", "law_zh": "虚构决定", "in_force_from": "2020-01-01", "level": "province"}],
}
MARKET = department("market_regulation")
LINE = "select line from exchange.feed_entry where feed = 'up' and record = $1 and rev = 1"
ENTRIES = "select index, line, salt, body, packed from exchange.feed_entry where feed = 'up' order by index"


@pytest.fixture
async def chain(postgres: Postgres, tmp_path: Path) -> AsyncIterator[Chain]:
    places = Place(code="province", tier="province"), Place(code="city", tier="city", above="province")
    async with chained(postgres, tmp_path, *places) as made:
        yield made


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
        rows = await session.fetch(ENTRIES)
    return [(row["index"], row["line"], row["salt"], body_of(row)) for row in rows]


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
    for record in (first, second):  # what was answered while it was being made again is asked for once more
        await eventually(lambda record=record: _answers(city, record))
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


async def _answers(city: TestNode, record: str) -> bool:
    return await acknowledged(city, record) == ["province"]


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


@pytest.mark.parametrize("code", ["city", "province"])
async def test_a_copy_in_which_nothing_is_missing_goes_on_by_itself(chain: Chain, code: str):
    city, node = chain["city"], chain[code]
    first = await submit(city, 1)
    await chain.settled()
    before = await entries(city)
    await database_copied(node)
    await put_back(node)
    await eventually(lambda: has_compared(node))
    second = await submit(city, 2)
    await withdraw(city, first, 1)
    await chain.settled()
    after = await entries(city)
    assert [each[:2] for each in after[: len(before)]] == [each[:2] for each in before]
    assert [EntryLine.model_validate_json(line).record for _, line, *_ in after[len(before) :]].count(UUID(second)) == 1
    assert [await state_of(chain["province"], each) for each in (first, second)] == ["withdrawn", "published"]
    assert await alarm(chain["province"]) is None
    assert not (await readiness(node)).get("stopped")
    report = await reconciled(chain["province"], "city")
    assert report.equal, report


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
    assert [entry[:2] for entry in await entries(city)][: len(signed)] == [entry[:2] for entry in signed]
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
    """What the operator's command prints when it has done all: line by line, the names first.

    It says to try again while nobody was heard, and lists what is still being made again.
    """
    await eventually(lambda: has_compared(node))
    said = await _restored(node, *options)
    while any(line[-1] == "-" for line in said):
        await eventually(lambda: none_is_being_made_again(node))
        said = await _restored(node)
    return said


async def _restored(node: TestNode, *options: str) -> list[list[str]]:
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


async def test_what_was_said_of_a_record_that_had_ended_is_listed_and_not_said_above(chain: Chain):
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
    assert await state_of(chain["province"], first) in {"withdrawn", "withheld"}
    assert await state_of(city, first) == "withheld", "it had ended, and what was said since was not said of that"
    async with city.database.session() as session:
        query = "select count(*) from exchange.refusal where feed = 'up' and index >= $1"
        assert await session.fetchval(query, len(signed)) == 0
    place = f"{listed[0][0]}/{listed[0][1]}"
    await eventually(lambda: _says_lost(city, "restored up"))
    assert (await restored(city, "--dismiss", place))[1:] == []
    assert await state_of(city, first) == "withheld"
    answer = await city.client("ingestion", MARKET).post(
        f"/v1/records/{first}/corrections", json={"fields": row, "reason": "error"}, headers={"If-Match": '"3"'}
    )
    assert answer.json()["verdict"] == "corrected", answer.text
    await chain.settled()
    assert [await state_of(chain[code], first) for code in ("city", "province")] == ["published"] * 2


async def test_a_node_that_went_back_before_its_parent_and_shared_since_appends_no_more_and_is_told_the_way(
    postgres: Postgres, tmp_path: Path
):
    places = Place(code="province", tier="province"), Place(code="city", tier="city")
    async with chained(postgres, tmp_path, *places) as apart:
        city, province = apart["city"], apart["province"]
        await submit(city, 1)
        await city.settled()
        await database_copied(city)
        await enrol(city, province, place="above")
        await enrol(province, city, place="below", sends_for=("city",))
        await submit(city, 2)
        await city.settled()
        await eventually(lambda: _has_all(province, city))
        await put_back(city)
        await submit(city, 3)
        await city.settled()
        await enrol(city, province, place="above")
        await eventually(lambda: _is_behind(city))
        had = await size_of(city, "up")
        await submit(city, 4)
        await eventually(lambda: _waits(city))
        assert (await size_of(city, "up"), await alarm(province)) == (had, None)
        answer = await city.operator().post("/v1/admin/feeds/up/restore")
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (409, "feed_not_restored")
        assert "enrol province" in problem["detail"]
        assert "再次恢复备份" in problem["detail_zh"]
        await city.host.stop()


async def _has_all(province: TestNode, city: TestNode) -> bool:
    return await copied(province, "city", "up") == await size_of(city, "up")


def of_body(city: TestNode, number: int, **changes: str) -> dict[str, str]:
    """A penalty on one organisation."""
    body = {"CF_XDR_LB": "法人及非法人组织", "CF_XDR_ZJLX": None, "CF_XDR_ZJHM": None, "CF_XDR_SHXYM": uscc(18)}
    today = city.host.clock.legal_date()
    return penalty(
        f"示市监罚〔2026〕{number}号", today=today, CF_XDR_MC="示例贸易有限公司", CF_FRDB="样甲", **body, **changes
    )


async def correct(city: TestNode, record: str, row: dict[str, str], *, rev: int = 1) -> None:
    answer = await city.client("ingestion", MARKET).post(
        f"/v1/records/{record}/corrections", json={"fields": row, "reason": "error"}, headers={"If-Match": f'"{rev}"'}
    )
    assert answer.json().get("verdict") == "corrected", answer.text


def about_the_first(city: TestNode) -> dict[str, str]:
    today = city.host.clock.legal_date()
    return penalty("示市监罚〔2026〕1号", today=today, CF_XDR_ZJHM=resident(1), CF_SY="未按期公示年报。")


async def publish_item(city: TestNode, **changes: Any) -> None:
    """The penalties' item as it is from now on."""
    on = city.host.clock.legal_date()
    item = next(each for each in city.host.followed.objects("item", on=on) if each.code == ITEM)
    body = item.model_dump(mode="json")
    for code, field in changes.pop("fields", {}).items():
        next(each for each in body["fields"] if each["code"] == code).update(field)
    async with city.context("catalogue") as ctx:
        await catalogue.publish(ctx, [entry_of("item", body | changes)], issued_by="nation")
    await city.settled()


async def being_made_again(city: TestNode) -> int:
    async with city.database.session() as session:
        return int(await session.fetchval("select count(*) from exchange.lost_entry where why is null"))


async def none_is_being_made_again(city: TestNode) -> bool:
    return await being_made_again(city) == 0


async def test_records_of_an_organisation_that_has_others_here_come_back(chain: Chain):
    city = chain["city"]
    client = city.client("ingestion", MARKET)
    first = str((await client.post(f"/v1/items/{ITEM}/records", json=of_body(city, 1))).json()["record"])
    await chain.settled()
    await database_copied(city)
    client = city.client("ingestion", MARKET)
    second, third = [
        str((await client.post(f"/v1/items/{ITEM}/records", json=of_body(city, number))).json()["record"])
        for number in (2, 3)
    ]
    await correct(city, first, of_body(city, 1, CF_SY="未按期公示年报。"))
    await chain.settled()
    await put_back(city)
    assert (await restored(city))[1:] == []
    await eventually(lambda: none_is_being_made_again(city))
    assert {record: await newest_of(city, record) for record in (first, second, third)} == {
        first: 2,
        second: 1,
        third: 1,
    }


async def test_what_came_back_of_an_item_that_is_shared_no_more_is_found(chain: Chain):
    city = chain["city"]
    first = await submit(city, 1)
    await chain.settled()
    await database_copied(city)
    second, third = await submit(city, 2), await submit(city, 3)
    await correct(city, first, about_the_first(city))
    await withdraw(city, third, 1)
    await chain.settled()
    await put_back(city)
    await publish_item(city, shared_upwards=False)
    had = len(await entries(city))
    assert (await restored(city))[1:] == []
    await eventually(lambda: none_is_being_made_again(city))
    assert {record: await newest_of(city, record) for record in (first, second, third)} == {
        first: 2,
        second: 1,
        third: 2,
    }
    assert len(await entries(city)) > had
    async with city.database.session() as session:
        query = "select count(*) from exchange.feed_entry where feed = 'up' and record is not null and subject is null"
        assert await session.fetchval(query) == 0
        query = "select change from exchange.feed_entry where feed = 'up' and record = $1 order by index"
        assert [row["change"] for row in await session.fetch(query, UUID(first))] == ["accepted", "corrected"]


async def test_content_that_only_this_node_had_is_listed_and_its_number_is_not_used_again(chain: Chain):
    """It was corrected when its item was shared no more: what stands above is that it is withheld."""
    city, province = chain["city"], chain["province"]
    first = await submit(city, 1)
    await chain.settled()
    await publish_item(city, shared_upwards=False)
    await database_copied(city)
    await correct(city, first, about_the_first(city))
    await chain.settled()
    await put_back(city)
    _, *listed = await restored(city)
    assert [(each[2], each[3], each[4], each[-1]) for each in listed] == [(first, "2", "withheld", "content_gone")]
    assert (await restored(city))[1:] == listed, "once more it changes nothing"
    await eventually(lambda: _says_lost(city, "restored up"))
    await correct(city, first, about_the_first(city), rev=2)
    await city.settled()
    assert (await restored(city))[1:] == [], "what it says is here again"
    await withdraw(city, first, 3)
    await chain.settled()
    assert [await state_of(node, first) for node in (city, province)] == ["withdrawn", "withdrawn"]


async def test_content_that_is_refused_when_it_comes_back_is_listed_and_what_ends_it_later_ends_above(chain: Chain):
    city, province = chain["city"], chain["province"]
    first = await submit(city, 1)
    await chain.settled()
    await database_copied(city)
    await correct(city, first, about_the_first(city))
    await correct(city, first, about_the_first(city) | {"CF_SY": "未公示年报。"}, rev=2)
    await chain.settled()
    await put_back(city)
    await publish_item(city, fields={"CF_SY": {"max_length": 1}})
    _, *listed = await restored(city)
    assert [(each[2], each[3], each[4], each[-1]) for each in listed] == [
        (first, rev, "corrected", "too_long") for rev in ("2", "3")
    ]
    await chain.settled()
    assert await newest_of(city, first) == 3
    await withdraw(city, first, 3)
    await chain.settled()
    assert [await state_of(node, first) for node in (city, province)] == ["withdrawn", "withdrawn"]
    assert (await restored(city))[1:] == [], "nothing is to be seen to of what has ended"
    async with city.database.session() as session:
        assert await session.fetchval("select count(*) from exchange.refusal where feed = 'up'") == 0


async def test_content_that_was_not_to_be_shown_above_and_is_here_is_not_lost(chain: Chain):
    """Its line says that it is withheld; the backup has it, and had not told the exchange yet."""
    city, province = chain["city"], chain["province"]
    first = await submit(city, 1)
    await chain.settled()
    await publish_item(city, shared_upwards=False)
    async with city.database.session() as session, session.transaction():
        await session.execute("select from exchange.feed_head where feed = 'up' for update")
        await correct(city, first, about_the_first(city))
        await city.host.stop()
    await duplicated(city)
    await started(city)
    await chain.settled()
    had = [entry[:2] for entry in await entries(city)]
    await put_back(city)
    await eventually(lambda: _is_behind(city))
    assert (await restored(city))[1:] == []
    await eventually(lambda: none_is_being_made_again(city))
    await chain.settled()
    assert [entry[:2] for entry in await entries(city)] == had, "nothing is said twice"
    assert await newest_of(city, first) == 2
    assert [await state_of(node, first) for node in (city, province)] == ["published", "withheld"]


async def test_a_record_of_which_nothing_came_back_is_ended_above_by_the_operator(chain: Chain):
    city, province = chain["city"], chain["province"]
    await submit(city, 1)
    await chain.settled()
    await database_copied(city)
    lost = await submit(city, 2)
    await chain.settled()
    await put_back(city)
    await publish_item(city, fields={"CF_SY": {"max_length": 1}})
    await eventually(lambda: _is_behind(city))
    _, listed = await restored(city)
    assert (listed[2], listed[3], listed[-1]) == (lost, "1", "too_long")
    answer = await city.client("ingestion", MARKET).get(f"/v1/records/{lost}")
    assert answer.status_code == 404
    assert await state_of(province, lost) == "published"
    assert (await restored(city, "--end", f"{listed[0]}/{listed[1]}"))[1:] == []
    await eventually(lambda: _ended(province, lost))
    assert await alarm(province) is None
    again = await city.operator().post(f"/v1/admin/feeds/up/restored/{listed[1]}/end")
    assert (again.status_code, again.json()["code"]) == (404, "nothing_lost")


async def _ended(node: TestNode, record: str) -> bool:
    return await state_of(node, record) == "withdrawn"


async def test_what_its_body_can_withdraw_no_operator_ends(chain: Chain):
    city, province = chain["city"], chain["province"]
    first = await submit(city, 1)
    await chain.settled()
    await database_copied(city)
    await correct(city, first, about_the_first(city))
    await chain.settled()
    await put_back(city)
    await publish_item(city, fields={"CF_SY": {"max_length": 1}})
    await eventually(lambda: _is_behind(city))
    _, lost = await restored(city)
    answer = await city.operator().post(f"/v1/admin/feeds/up/restored/{lost[1]}/end")
    assert (answer.status_code, answer.json()["code"]) == (409, "stands_here")
    assert (await restored(city))[1:] == [lost]
    assert await state_of(province, first) == "published"


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


async def test_a_key_that_came_back_is_given_to_who_comes_later(
    chain: Chain, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    city = chain["city"]
    await submit(city, 1)
    await chain.settled()
    await database_copied(city)
    monkeypatch.setattr(sealing, "_month", lambda _: date(2031, 1, 1))
    second = await submit(city, 2)
    await chain.settled()
    await put_back(city)
    await eventually(lambda: _is_behind(city))
    await restored(city)
    await chain.settled()
    late = neighbour("nation", tmp_path)
    async with city.context("catalogue") as ctx:
        row = row_of("nation", late.keys, place="above", order=703)
        await catalogue.publish(ctx, [entry_of("party", row)], issued_by="nation")
    await city.settled()

    async def is_given() -> bool:
        rows = await entries(city)
        sealed = next(orjson.loads(body)["sealed"]["key"] for _, line, _, body in rows if second in line)
        keys = [orjson.loads(body) for _, line, _, body in rows if '"feed.key"' in line]
        return "nation" in {to["node"] for key in keys if key["key"] == sealed for to in key["wrapped"]}

    await eventually(is_given)
    async with city.database.session() as session:
        count = await session.fetchval("select count(distinct key) from exchange.feed_key where feed = 'up'")
    assert count == 2, "and it seals what comes"


async def _is_behind(city: TestNode) -> bool:
    return bool(compared(city.host.equipment["exchange"]).behind("up"))


BLOCKED = "select exists (select from pg_stat_activity where $1 = any(pg_blocking_pids(pid)))"


async def test_who_changes_several_lost_entries_locks_them_in_their_order(city: City):
    """Whoever shares and whoever judges would else wait for one another."""
    async with city.node.database.session() as first, city.node.database.session() as looks:
        values = "select 'up', n, gen_random_uuid(), 1, 'accepted' from generate_series(900005, 900009) n"
        await first.execute(f"insert into exchange.lost_entry (feed, index, record, rev, change) {values}")
        pid = await first.fetchval("select pg_backend_pid()")
        try:
            async with first.transaction():
                await first.execute("select from exchange.lost_entry where index = 900005 for update")

                async def refuse() -> None:
                    async with city.node.context("exchange") as ctx:
                        session = await ctx.session()
                        await session.execute("set local lock_timeout = 0", {})
                        await lost.refuse(session, "up", [(900009, "minor"), (900005, "minor")])

                async def blocked() -> bool:
                    return bool(await looks.fetchval(BLOCKED, pid))

                refusing = asyncio.create_task(refuse())
                await eventually(blocked)
                await first.execute("select from exchange.lost_entry where index = 900009 for update nowait")
            await refusing
        finally:
            await first.execute("delete from exchange.lost_entry where index >= 900005")


async def test_what_was_decided_without_knowing_of_an_end_stays_unsaid_however_late_it_is_read(chain: Chain):
    """Between two decisions of a department lie weeks of what others decided."""
    city, province = chain["city"], chain["province"]
    record = await submit(city, 1)
    await withdraw(city, record, 1)
    await chain.settled()
    size = await size_of(city, "up")
    async with city.database.session() as session:
        said = await session.fetchval(LINE, UUID(record))
    for rev in (2, 3, 4):  # each in a transaction of its own
        line = orjson.loads(said) | {"rev": rev, "change": "corrected", "at": "2030-01-01T00:00:00Z"}
        body = orjson.dumps({"revision": str(uuid4())}).decode()
        whose = {"record": UUID(record), "rev": rev, "change": "corrected", "item": ITEM, "party": "market_regulation"}
        draft = Draft(line=orjson.dumps(line).decode(), salt=b"1", body=body, **whose)
        async with city.context("exchange") as ctx:
            await append(ctx, "up", [draft])
    assert await size_of(city, "up") == size
    async with city.context("exchange") as ctx:
        listed = await lost.of_records(await ctx.session(), "up", [UUID(record)])
    assert [(each.rev, each.change, each.why) for each in listed] == [(2, "withdrawn", "contradictory_entry")]
    await chain.settled()
    assert await state_of(province, record) == "withdrawn"
