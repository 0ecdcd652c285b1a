"""The same file again, whole, in part, older, in another shape, with a key or without: nothing anybody sees changes."""

import csv
import io
from collections import Counter
from typing import Any
from uuid import uuid4

import orjson
import pytest

from tests.support.cast import ISSUER, ITEM, Cast, assembled, penalty, resident, uscc
from tests.support.node import TestNode

PEOPLE, BODIES = 6, 4
ME = 1


def rows(cast: Cast, version: str) -> list[dict[str, str]]:
    """People, organisations, one row that is held and one that is refused."""
    today = cast.today
    people = [
        penalty(f"示人〔2026〕{n}号", today=today, CF_XDR_ZJHM=resident(n), BZ=version) for n in range(1, PEOPLE + 1)
    ]
    body: dict[str, str | None] = {
        "CF_XDR_LB": "法人及非法人组织",
        "CF_FRDB": "样乙",
        "CF_XDR_ZJLX": None,
        "CF_XDR_ZJHM": None,
    }
    bodies = [
        penalty(
            f"示企〔2026〕{n}号", today=today, BZ=version, CF_XDR_MC=f"示例{n}有限公司", CF_XDR_SHXYM=uscc(n), **body
        )
        for n in range(1, BODIES + 1)
    ]
    held = penalty("示疑〔2026〕1号", today=today, CF_XDR_ZJHM=resident(700), CF_NR_FK="2000")
    refused = penalty("示拒〔2026〕1号", today=today, CF_XDR_ZJHM=resident(701), CF_JDRQ="2098-01-01")
    return [*people, *bodies, held, refused]


async def send(cast: Cast, sent: list[dict[str, str]], *, key: str | None = None) -> tuple[list[dict[str, Any]], str]:
    """The verdicts, and whether the answer was a replay."""
    headers = {"Content-Type": "application/x-ndjson"} | ({} if key is None else {"Idempotency-Key": key})
    answer = await cast.door("owner").post(
        f"/v1/items/{ITEM}/records", content=b"\n".join(map(orjson.dumps, sent)), headers=headers
    )
    assert answer.status_code == 200, answer.text
    *verdicts, _ = map(orjson.loads, answer.content.splitlines())
    return verdicts, answer.headers.get("idempotency-replayed", "")


async def seen(cast: Cast) -> dict[str, Any]:
    """Everything of the records that anybody can see, and every event that tells of one."""
    await cast.node.settled()
    async with cast.node.database.session() as session:
        model = await session.fetch("select record, rev, state, display_until, body from query.record order by 1")
        public = await session.fetch("select record, rev, data from query.public_record order by 1")
        revisions = await session.fetch("select id, record, rev, data from ingestion.revision order by 1")
        events = await session.fetchval(
            "select count(*) from bus.event_order where type in ('record.changed', 'catalogue.changed')"
        )
        reviews = await session.fetch("select id, state, record from ingestion.review order by 1")
    file = (await cast.door("person").get("/v1/me/file")).json()["records"]
    listed = (await cast.door().get("/v1/public/records", params={"item": ITEM, "limit": 200})).json()
    found = (await cast.door().post("/v1/public/searches", json={"code": uscc(1)})).json()
    assert len(file) == 1
    assert len(found["items"]) == 1
    return {
        "model": model, "public": public, "revisions": revisions, "events": events, "reviews": reviews, "file": file,
        "listed": listed, "found": found,
    }  # fmt: skip


@pytest.fixture(scope="module")
async def sent(node: TestNode) -> tuple[Cast, list[dict[str, str]], list[dict[str, str]], dict[str, Any]]:
    """Two versions of the file went in, the first under a key; and what there is to see now."""
    cast = await assembled(node)
    first, second = rows(cast, "第一版"), rows(cast, "第二版")
    verdicts, _ = await send(cast, first, key="first")
    assert Counter(each["verdict"] for each in verdicts) == {"accepted": PEOPLE + BODIES, "held": 1, "refused": 1}
    verdicts, _ = await send(cast, second, key="second")
    assert Counter(each["verdict"] for each in verdicts) == {"corrected": PEOPLE + BODIES, "held": 1, "refused": 1}
    return cast, first, second, await seen(cast)


Sent = tuple[Cast, list[dict[str, str]], list[dict[str, str]], dict[str, Any]]


def said(verdicts: list[dict[str, Any]]) -> Counter[tuple[str, ...]]:
    return Counter((each["verdict"], *(reason["code"] for reason in each.get("reasons", ()))) for each in verdicts)


REST = {("held", "fine_unit"): 1, ("refused", "future_date"): 1}


@pytest.mark.parametrize("key", [None, "fresh"])
@pytest.mark.parametrize(("version", "why"), [(2, "same"), (1, "superseded")], ids=["whole", "stale"])
async def test_a_whole_file_again_changes_nothing_and_the_verdicts_say_so(
    sent: Sent, key: str | None, version: int, why: str
):
    cast, before = sent[0], sent[3]
    verdicts, replayed = await send(cast, sent[version], key=None if key is None else str(uuid4()))
    assert said(verdicts) == {("unchanged", why): PEOPLE + BODIES} | REST
    assert replayed == ""
    assert await seen(cast) == before


@pytest.mark.parametrize(("version", "key", "word"), [(1, "first", "accepted"), (2, "second", "corrected")])
async def test_under_its_own_key_it_is_answered_as_it_was(sent: Sent, version: int, key: str, word: str):
    cast, before = sent[0], sent[3]
    verdicts, replayed = await send(cast, sent[version], key=key)
    assert said(verdicts) == {(word,): PEOPLE + BODIES} | REST
    assert replayed == "true"
    assert await seen(cast) == before


@pytest.mark.parametrize("key", [None, "fresh"])
async def test_parts_of_both_versions_in_one_file_change_nothing(sent: Sent, key: str | None):
    cast, first, second, before = sent
    mixed = [*second[3:8], *reversed(first[:5]), *second[6:8]]
    verdicts, _ = await send(cast, mixed, key=None if key is None else str(uuid4()))
    assert said(verdicts) == {("unchanged", "same"): 7, ("unchanged", "superseded"): 5}
    assert await seen(cast) == before


async def test_one_by_one_it_changes_nothing(sent: Sent):
    cast, first, second, before = sent
    for row in (*first[:3], *second[:3]):
        answer = await cast.submit(row)
        assert (answer.status_code, answer.json()["verdict"]) == (200, "unchanged")
    assert (await cast.submit(first[-2])).status_code == 202
    assert (await cast.submit(first[-1])).status_code == 422
    assert await seen(cast) == before


@pytest.mark.parametrize("charset", ["utf-8", "gb18030"])
async def test_as_a_table_it_changes_nothing(sent: Sent, charset: str):
    cast, first, _, before = sent
    columns = list(dict.fromkeys(code for row in first for code in row))
    text = io.StringIO()
    table = csv.DictWriter(text, columns)
    table.writeheader()
    table.writerows(row | {"CF_CFJGDM": f" {ISSUER.lower()}\u3000"} for row in first)
    answer = await cast.door("owner").post(
        f"/v1/items/{ITEM}/records",
        content=text.getvalue().encode(charset),
        headers={"Content-Type": f"text/csv; charset={charset}"},
    )
    verdicts = [orjson.loads(line) for line in answer.content.splitlines()[:-1]]
    assert said(verdicts) == {("unchanged", "superseded"): PEOPLE + BODIES} | REST
    assert await seen(cast) == before


async def test_a_dry_run_of_something_new_changes_nothing(sent: Sent):
    cast, before = sent[0], sent[3]
    third = rows(cast, "第三版")
    answer = await cast.door("owner").post(f"/v1/items/{ITEM}/records", params={"dry_run": "true"}, json=third)
    assert said([orjson.loads(line) for line in answer.content.splitlines()])["corrected",] == PEOPLE + BODIES
    assert await seen(cast) == before
