"""Idempotency keys: the same key and body have one effect and one id; what is kept is never an answer."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from fastapi import Request

from creditmesh.chassis.http.idempotency import HEADER, REPLAYED, kept_keys, once_of
from creditmesh.chassis.pruning import Pruner, keep
from tests.chassis.conftest import DEPARTMENT, Nursery

BODY = b'{"colour": "red"}'
JSON = {"Content-Type": "application/json"}
OTHER = replace(DEPARTMENT, credential="k2")


async def _marks(nursery: Nursery) -> int:
    async with nursery.database.session() as session:
        return int(await session.fetchval("select count(*) from toy.mark"))


async def _make(nursery: Nursery, key: str, body: bytes = BODY, caller=DEPARTMENT, **headers: str):
    async with nursery.client(caller) as client:
        return await client.post("/v1/toys", content=body, headers={**JSON, HEADER: key, **headers})


async def test_the_same_again_is_the_same_and_makes_nothing(nursery: Nursery):
    key = uuid4().hex
    first = await _make(nursery, key)
    marks = await _marks(nursery)
    again = await _make(nursery, key)
    assert first.json() == again.json()
    assert REPLAYED.lower() not in first.headers
    assert again.headers[REPLAYED] == "true"
    assert await _marks(nursery) == marks


@pytest.mark.parametrize("body", [b'{"colour": "blue"}', b'{ "colour": "red"}'])
async def test_another_body_under_the_same_key_is_refused(nursery: Nursery, body: bytes):
    key = uuid4().hex
    await _make(nursery, key)
    marks = await _marks(nursery)
    answer = await _make(nursery, key, body)
    assert answer.status_code == 422
    assert answer.json()["code"] == "idempotency_key_reused"
    assert answer.json()["title_zh"]
    assert await _marks(nursery) == marks


async def test_another_state_to_be_changed_under_the_same_key_is_refused(nursery: Nursery):
    """`If-Match` says which state was decided on: under another one it is another request."""
    key = uuid4().hex
    first = await _make(nursery, key, **{"If-Match": '"1"'})
    assert (await _make(nursery, key, **{"If-Match": '"1"'})).json() == first.json()
    marks = await _marks(nursery)
    for other in ({"If-Match": '"2"'}, {}):
        assert (await _make(nursery, key, **other)).json()["code"] == "idempotency_key_reused"
    assert await _marks(nursery) == marks


def _request(path: str = "/v1/toys", match: str | None = None, body: bytes = BODY) -> Request:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body}

    headers = [(b"idempotency-key", b"k"), *([] if match is None else [(b"if-match", match.encode())])]
    return Request(
        {"type": "http", "path": path, "headers": headers, "query_string": b"", "server": ("h", 80)}, receive
    )


async def test_what_is_asked_is_the_path_the_state_and_the_body():
    asked = [
        _request(), _request(path="/v1/toy"), _request(match='"1"'), _request(match='"2"'), _request(body=b"{}"),
    ]  # fmt: skip
    assert len({(await once_of(each)).digest for each in asked}) == len(asked)
    assert (await once_of(_request(match='"1"'))).digest == (await once_of(_request(match='"1"'))).digest


async def test_a_key_belongs_to_the_credential_that_used_it(nursery: Nursery):
    key = uuid4().hex
    first, other = await _make(nursery, key), await _make(nursery, key, b'{"colour": "blue"}', OTHER)
    assert other.status_code == 201
    assert first.json() != other.json()


async def test_without_a_key_each_request_is_its_own(nursery: Nursery):
    async with nursery.client(DEPARTMENT) as client:
        answers = [await client.post("/v1/toys", content=BODY, headers=JSON) for _ in range(2)]
    assert answers[0].json() != answers[1].json()


@pytest.mark.parametrize(
    "key",
    ["", "a" * 129, "a\tb", b"\xc3\xa9", "\x7f", "ｋｅｙ".encode()],
    ids=["empty", "long", "tab", "é", "del", "wide"],
)
async def test_a_key_is_1_to_128_printable_ascii_characters(nursery: Nursery, key: str | bytes):
    marks = await _marks(nursery)
    async with nursery.client(DEPARTMENT) as client:
        answer = await client.post("/v1/toys", content=BODY, headers=[*JSON.items(), (HEADER, key)])
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["detail"]
    assert "Idempotency-Key" in answer.json()["detail_zh"]
    assert await _marks(nursery) == marks


async def test_the_longest_key_is_taken(nursery: Nursery):
    assert (await _make(nursery, uuid4().hex * 4)).status_code == 201


async def test_many_at_once_have_one_effect_and_one_answer(nursery: Nursery):
    for _ in range(20):
        key, marks = uuid4().hex, await _marks(nursery)
        answers = await asyncio.gather(*(_make(nursery, key) for _ in range(4)))
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json()["id"] for answer in answers}) == 1
        kept = answers[0].json()["id"]
        assert await nursery.marked(kept)
        assert marks < await _marks(nursery) <= marks + 4  # who lost the race leaves a mark that nobody refers to


async def test_what_is_kept_is_a_digest_and_a_reference(nursery: Nursery):
    key = uuid4().hex
    made = (await _make(nursery, key)).json()["id"]
    async with nursery.database.session() as session:
        row = await session.fetchrow("select * from toy.idempotency where key = $1", key)
    assert dict(row).keys() == {"owner", "key", "digest", "reference", "at"}
    assert (row["owner"], len(row["digest"]), str(row["reference"])) == ("k1", 32, made)


async def test_a_request_that_fails_keeps_no_key(nursery: Nursery):
    key = uuid4().hex
    assert (await _make(nursery, key, b'{"colour": 1}')).status_code == 422
    assert (await _make(nursery, key)).status_code == 201


async def test_a_key_is_known_for_its_term_and_the_request_is_a_new_one_afterwards(nursery: Nursery):
    old, young = uuid4().hex, uuid4().hex
    first, kept = await _make(nursery, old), await _make(nursery, young)
    async with nursery.database.session() as session:
        await session.execute("update toy.idempotency set at = at - interval '8 days' where key = $1", old)
    async with nursery.database.pool("ddl").session() as admin:
        await keep(admin, {"idempotency": timedelta(days=7)}, given=["idempotency"])
    await Pruner(nursery.database.addresses["toy"], [kept_keys("toy")], batch=1).prune()
    assert (await _make(nursery, young)).json() == kept.json()
    again = await _make(nursery, old)
    assert REPLAYED.lower() not in again.headers
    assert again.json() != first.json()
