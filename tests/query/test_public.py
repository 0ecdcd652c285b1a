"""What is open to all: lists, records and searches, masked, and nothing that is not public today."""

import asyncio
import time
from datetime import timedelta
from secrets import randbelow
from typing import NamedTuple
from uuid import uuid4

import pytest

from creditmesh.chassis.http.paging import written
from creditmesh.query.older_forms import OlderFormRounds
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.queries import PublicRecord
from creditmesh.schemas.rules.names import folded
from creditmesh.schemas.rules.numbers import resident_check
from creditmesh.schemas.rules.personal_numbers import VERSION
from tests.query.conftest import TODAY, House
from tests.query.samples import a_directory, a_record, an_item, published_anew
from tests.support.letters import letters
from tests.support.measuring import no_collections


async def search(house: House, **body):
    async with house.client() as client:
        return await client.post("/v1/public/searches", json=body)


async def records(house: House, **params):
    async with house.client() as client:
        return await client.get("/v1/public/records", params=params)


def an_organisation(**more):
    name = f"沙盒（{letters(12)}）有限公司"
    return name, a_record(fields={"NAME": name, "DOC": "1", "CODE": "91990000MA0000001R"}, **more)


async def test_the_lists_name_the_items_that_are_open_to_all(catalogue: House):
    catalogue.follow(a_directory([an_item("penalty", designates="black"), an_item("inner", disclosure="sharing")]))
    async with catalogue.client() as client:
        body = (await client.get("/v1/public/lists")).json()
    assert body["items"] == ["penalty"]
    assert [(each["code"], each["colour"], each["items"]) for each in body["lists"]] == [
        ("black", "black", ["penalty"])
    ]


@pytest.mark.parametrize("doubt", ["the item", "its list"])
async def test_what_nobody_confirmed_is_open_to_nobody_and_to_its_own_subject_alone(catalogue: House, doubt: str):
    item = an_item("penalty", designates="black")
    catalogue.follow(a_directory([item]))
    name, change = an_organisation()
    await catalogue.load(change)
    assert [each["record"] for each in (await search(catalogue, name=name)).json()["items"]] == [str(change.record)]
    directory = catalogue.equipment.followed
    assert isinstance(directory, Directory)
    if doubt == "the item":
        basis = tuple(each.model_copy(update={"verified": False}) for each in item.basis)
        published_anew(directory, item.model_copy(update={"basis": basis, "verified": False, "number": 2}))
    else:
        listing = directory.lists(on=TODAY)["black"]
        published_anew(directory, listing.model_copy(update={"verified": False}), kind="list")
    assert (await search(catalogue, name=name)).json()["items"] == []
    assert (await records(catalogue, item="penalty")).status_code == 404
    async with catalogue.client() as client:
        assert (await client.get("/v1/public/lists")).json()["items"] == []
    assert directory.law(TODAY).withdrawn == {"penalty"}
    assert directory.own_law(TODAY).withdrawn == set()


async def test_an_organisation_is_found_by_the_beginning_of_its_name_and_by_its_code(catalogue: House):
    name, change = an_organisation(mark="disputed")
    await catalogue.load(change)
    wide = name[:8].replace("（", "(").upper()
    (found,) = (await search(catalogue, name=wide)).json()["items"]
    assert (found["record"], found["mark"], found["fields"]["NAME"]) == (str(change.record), "disputed", name)
    codes = (await search(catalogue, code="91990000MA0000001R", limit=100)).json()["items"]
    assert str(change.record) in {each["record"] for each in codes}
    assert (await search(catalogue, name="沙盒%")).json()["items"] == []


async def test_a_person_is_not_found_by_name_and_stands_masked_where_the_law_orders_publication(catalogue: House):
    name = "沈沙盒"
    await catalogue.load(a_record(kind="sole_trader", fields={"DOC": "unique-" + letters()}))
    assert (await search(catalogue, name=name)).json()["items"] == []


@pytest.mark.parametrize("searched", [False, True], ids=["not searched yet", "searched since"])
async def test_a_persons_number_in_a_row_that_was_stored_before_is_not_shown_and_finds_nothing(
    catalogue: House, *, searched: bool
):
    """As an older version wrote it: the number in the form and in both search keys."""
    code = "990000198001010010"[:17] + resident_check("99000019800101001")
    name, mobile = f"沙盒{letters(6)}公司", "13800138000"
    change = a_record(fields={"NAME": name + code, "CODE": code, "DOC": f"电话{mobile}"})
    await catalogue.load(change)
    form = PublicRecord.model_validate(
        {name: getattr(change, name) for name in PublicRecord.model_fields} | {"fields": change.fields}
    )
    async with catalogue.database.session() as session:
        await session.execute(
            "update query.public_record set name = $2, code = $3, data = $4, searched = 0 where record = $1",
            change.record,
            folded(name + code),
            code,
            form.model_dump_json().encode(),
        )
        if searched:
            assert await OlderFormRounds(catalogue.equipment, most=1).round() >= 1
            row = await session.fetchrow("select * from query.public_record where record = $1", change.record)
            assert (row["searched"], row["name"], row["code"]) == (VERSION, folded(name + "*" * 18), "*" * 18)
            assert mobile not in row["data"].decode()
            assert code not in row["data"].decode()
            assert await session.fetch("select from query.public_record where searched < $1", VERSION) == []
    for found in (await search(catalogue, name=name), await records(catalogue, item="penalty", limit=200)):
        shown = next(each for each in found.json()["items"] if each["record"] == str(change.record))
        assert shown["fields"] == {"NAME": name + "*" * 18, "CODE": "*" * 18, "DOC": "电话" + "*" * 11}
    for wanted in ({"name": name + code}, {"name": name + code[:1]}, {"code": code}):
        assert str(change.record) not in (await search(catalogue, **wanted)).text


async def test_a_form_is_searched_for_numbers_when_it_is_made_and_an_older_one_while_others_have_a_turn(
    catalogue: House,
):
    item = f"long_{letters(6)}"
    catalogue.follow(a_directory([an_item(item)]))
    text = "１３８ " * 1_000  # digits enough to be looked through, and no number
    sent = [a_record(item=item, fields={"NAME": f"沙盒{n}公司", "DOC": text}) for n in range(30)]
    await catalogue.load(*sent)
    turns = []
    for searched in (1, 0):
        async with catalogue.database.session() as session:
            await session.execute("update query.public_record set searched = $1 where item = $2", searched, item)
        with no_collections():
            began = time.process_time()
            (page, others) = await asyncio.gather(records(catalogue, item=item, limit=100), counted(began))
        assert len(page.json()["items"]) == len(sent)
        turns.append(others)
    assert turns[0].spent < turns[1].spent / 2, "what was searched is not searched again"
    assert turns[1].longest < turns[1].spent / 5, "and between two that are others have the process"


async def test_a_form_that_cannot_be_read_costs_that_record_and_is_named(catalogue: House):
    item = f"kept_{letters(6)}"
    catalogue.follow(a_directory([an_item(item)]))
    sent = [a_record(item=item) for _ in range(3)]
    await catalogue.load(*sent)
    async with catalogue.database.session() as session:
        damaged = "update query.public_record set data = substr(data, 1, 40), searched = 0 where record = $1"
        await session.execute(damaged, sent[1].record)
        await session.execute("update query.public_record set searched = 0 where record = $1", sent[2].record)
        assert await OlderFormRounds(catalogue.equipment, most=1).round() >= 2
        left = await session.fetch("select record from query.public_record where item = $1 and searched = 0", item)
    assert [row["record"] for row in left] == [sent[1].record], "the others are searched all the same"
    page = (await records(catalogue, item=item)).json()
    assert (page["partial"], page["unreadable"]) == (True, [str(sent[1].record)])
    assert {each["record"] for each in page["items"]} == {str(sent[0].record), str(sent[2].record)}


async def test_a_form_that_was_searched_since_is_left_to_a_newer_revision_and_keeps_its_keys(catalogue: House):
    name, change = an_organisation()
    await catalogue.load(change)
    async with catalogue.database.session() as session:
        before = await session.fetchrow("select * from query.public_record where record = $1", change.record)
        await session.execute("update query.public_record set searched = 0 where record = $1", change.record)
        async with session.transaction():
            await session.execute("select from query.public_record where record = $1 for update", change.record)
            await OlderFormRounds(catalogue.equipment, most=10).round()
            assert (
                await session.fetchval("select searched from query.public_record where record = $1", change.record) == 0
            )
        await OlderFormRounds(catalogue.equipment, most=10).round()
        after = await session.fetchrow("select * from query.public_record where record = $1", change.record)
    assert {**after, "data": None} == {**before, "data": None}
    assert PublicRecord.model_validate_json(after["data"]) == PublicRecord.model_validate_json(before["data"])
    assert (await search(catalogue, name=name)).json()["items"][0]["record"] == str(change.record)


async def test_those_that_were_not_searched_by_the_rule_of_today_have_an_index(catalogue: House):
    async with catalogue.database.session() as session:
        (made,) = await session.fetch("select indexdef from pg_indexes where indexname = 'public_record_unsearched'")
    assert made["indexdef"].endswith(f"WHERE (searched < {VERSION})")


class Turns(NamedTuple):
    """The seconds of work until nobody was busy any more, and the longest time without a turn."""

    spent: float
    longest: float


async def counted(began: float) -> Turns:
    """What another task of the process sees while a page is read."""
    longest, last, quiet = 0.0, began, 0
    while quiet < 200:
        await asyncio.sleep(0.001)
        now = time.process_time()
        longest, quiet, last = max(longest, now - last), quiet + 1 if now - last < 0.002 else 0, now
    return Turns(last - began, longest)


async def test_no_copy_of_a_public_record_is_kept_on_the_way(catalogue: House):
    for answer in (await records(catalogue, item="penalty"), await search(catalogue, name="沙盒")):
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")


async def test_pages_follow_one_another_without_loss(catalogue: House):
    catalogue.follow(a_directory([an_item("paged")]))
    sent = [a_record(item="paged") for _ in range(7)]
    await catalogue.load(*sent)
    seen, cursor = [], None
    while True:
        page = (await records(catalogue, item="paged", limit=3, **({"cursor": cursor} if cursor else {}))).json()
        seen += [each["record"] for each in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert sorted(seen) == sorted(str(each.record) for each in sent)


async def test_pages_of_a_search_are_in_the_order_of_names_and_end_where_it_does(catalogue: House):
    beginning = f"沙盒{letters(8)}"
    names = [f"{beginning}{each}有限公司" for each in "乙甲丙甲乙甲"]
    records = [a_record(fields={"NAME": name, "DOC": "1", "CODE": "91990000MA0000001R"}) for name in names]
    await catalogue.load(*records, an_organisation()[1])
    seen, cursor = [], None
    while True:
        page = (await search(catalogue, name=beginning, limit=2, **({"cursor": cursor} if cursor else {}))).json()
        seen += [(each["fields"]["NAME"], each["record"]) for each in page["items"]]
        if (cursor := page["next"]) is None:
            break
        last = cursor
    assert seen == sorted((name, str(each.record)) for name, each in zip(names, records, strict=True))
    for body in ({"name": "沙盒另"}, {"code": "91990000MA0000001R"}):
        assert (await search(catalogue, **body, cursor=last)).json()["code"] == "bad_cursor"
    nul = written(f"{uuid4()} {beginning}\0")
    assert (await search(catalogue, name=beginning, cursor=nul)).json()["code"] == "bad_cursor"


async def test_the_longest_name_that_is_stored_has_a_cursor_that_is_read(catalogue: House):
    name = "".join(chr(0x4E00 + randbelow(0x5000)) for _ in range(850))
    await catalogue.load(*(a_record(fields={"NAME": name, "DOC": str(number)}) for number in range(2)))
    page = (await search(catalogue, name=name[:200], limit=1)).json()
    (last,) = (await search(catalogue, name=name[:200], limit=1, cursor=page["next"])).json()["items"]
    assert last["record"] > page["items"][0]["record"]


async def test_of_an_item_that_shows_nobody_a_record_it_is_said_why(catalogue: House):
    later = TODAY + timedelta(days=9)
    directory = a_directory([an_item("inner", disclosure="sharing"), an_item("ended")], withdrawn={"ended": TODAY})
    published_anew(directory, an_item("coming"), effective=later)
    catalogue.follow(directory)
    said = {
        "nobodys": ("No item has this code", "无此代码的条目"),
        "inner": (f"not open to all on {TODAY}", "不对外公示"),
        "ended": (f"not in force on {TODAY}, the node's legal date", "未生效或已失效"),
        "coming": (f"not in force on {TODAY}, the node's legal date", "未生效或已失效"),
    }
    for item, (english, chinese) in said.items():
        answer = await records(catalogue, item=item)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert english in answer.json()["detail"]
        assert chinese in answer.json()["detail_zh"]
    catalogue.on(later)
    assert (await records(catalogue, item="coming")).status_code == 200


async def test_an_item_that_is_closed_again_is_closed_at_once(catalogue: House):
    catalogue.follow(a_directory([an_item("opened")]))
    name, change = an_organisation(item="opened")
    await catalogue.load(change)
    assert len((await search(catalogue, name=name)).json()["items"]) == 1
    catalogue.follow(a_directory([an_item("opened", disclosure="sharing")]))
    assert (await search(catalogue, name=name)).json()["items"] == []
    assert (await records(catalogue, item="opened")).status_code == 404
    catalogue.follow(a_directory([an_item("opened")], withdrawn={"opened": TODAY}))
    assert (await search(catalogue, name=name)).json()["items"] == []
    assert (await records(catalogue, item="opened")).status_code == 404


async def test_bad_searches_name_the_rule(catalogue: House):
    for body in (
        {},
        {"name": "沙盒", "code": "91990000MA0000001R"},
        {"name": "x"},
        {"code": "1"},
        {"name": "沙盒", "q": 1},
    ):
        assert (await search(catalogue, **body)).status_code == 422
    assert (await search(catalogue, name="沙盒", cursor="x")).json()["code"] == "bad_cursor"
    assert (await search(catalogue, name="沙\u0000盒")).status_code == 422
    assert (await search(catalogue, name="  　")).status_code == 422
    async with catalogue.client() as client:
        surrogate = await client.post(
            "/v1/public/searches", content=rb'{"name": "a\ud800b"}', headers={"Content-Type": "application/json"}
        )
    assert surrogate.status_code == 422
    assert (await records(catalogue, item="NOT A CODE")).status_code == 422
    assert (await records(catalogue, item="penalty", limit=0)).status_code == 422


@pytest.mark.parametrize("name", ["沙盒【一号】有限公司", "沙盒一号有限公司", "沙盒·一號"])
async def test_a_name_is_found_however_it_is_typed(catalogue: House, name: str):
    fields = {"NAME": "沙盒（一号）有限公司", "CODE": "91990000MA0000001R", "DOC": "1"}
    record = a_record(fields=fields)
    await catalogue.load(record)
    found = (await search(catalogue, name=name)).json()["items"]
    assert str(record.record) in [each["record"] for each in found]


async def test_a_name_of_signs_alone_finds_nobody(catalogue: House):
    assert (await search(catalogue, name="（）")).json() == {
        "items": [],
        "next": None,
        "partial": False,
        "unreadable": [],
    }
