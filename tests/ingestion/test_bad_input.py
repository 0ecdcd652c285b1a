"""Bad input of every kind is a clear problem in both languages, or one refused row; nothing is stored, never a 500."""

import gzip
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest

from creditmesh.chassis.caller import PUBLIC
from tests.ingestion.conftest import OFFICER, House, department, told
from tests.ingestion.rows import penalty, person_penalty, resident

NOBODYS = UUID("0199f000-0000-7000-8000-000000000000")
"""An id that nothing has, and the same in every process that collects these tests."""

GOOD = orjson.dumps(penalty(1))


def assert_problem(answer: httpx.Response, status: int, code: str | None = None) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["title_zh"]
    if code is not None:
        assert problem["code"] == code
    for error in problem["errors"]:
        assert error["pointer"] is not None
        assert error["code"]
        assert error["detail"]
        assert error["detail_zh"]
    return problem


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 422),
        (b"[1, 2", "application/json", 400),
        (b"", "application/json", 400),
        (b"   ", "application/x-ndjson", 400),
        (b"null", "application/json", 400),
        (b'"text"', "application/json", 400),
        (b"[" * 200_000, "application/json", 400),
        (b'{"a":' * 100_000, "application/json", 413),
        (b'{"a":' * 50_000, "application/json", 422),
        (b"\xff\xfe{}", "application/json", 400),
        (b'{"CF_XDR_MC": "\xff"}', "application/json", 422),
        (GOOD.replace("示例".encode(), b"\\u0000", 1), "application/json", 422),
        (GOOD.replace("示例".encode(), b"\\ud800", 1), "application/json", 422),
        (GOOD.replace(b'"0.2"', b"NaN"), "application/json", 422),
        (GOOD.replace(b'"0.2"', b"1e400"), "application/json", 422),
        (GOOD.replace(b'"0.2"', b"-Infinity"), "application/json", 422),
        (GOOD.replace(b'"0.2"', b'"NaN"'), "application/json", 422),
        (GOOD.replace(b'"0.2"', b'{"$ne": 1}'), "application/json", 422),
        (GOOD.replace(b'"0.2"', b"[0.2]"), "application/json", 422),
        (GOOD[:-1] + b',"CF_GSJQZ":"2026-05-11"}', "application/json", 422),
        (GOOD[:-1] + b',"ZJXY":"x"}', "application/json", 422),
        (GOOD[:-1] + b',"BZ":"' + b"x" * 300_000 + b'"}', "application/json", 413),
        (b"CF_XDR_MC,CF_WSH\n1,2\n", "text/csv", 422),
        (b"\xff\xff\xff,\n", "text/csv", 422),
        (b"\xff\xfeA\0,\0", "text/csv", 400),
        (b"\x00\x00\x00", "text/csv", 400),
        (b"", "text/csv", 400),
        (GOOD, "text/plain", 415),
        (GOOD, "", 415),
        (GOOD, "application/json; charset=gb18030", 415),
        (GOOD, "text/csv; charset=utf-16", 415),
    ],
)
async def test_a_body_that_cannot_be_taken_is_a_problem(house: House, body: bytes, kind: str, status: int):
    before = await house.count()
    assert_problem(await house.submit(body, kind=kind, key=f"bad-{uuid4()}"), status)
    assert await house.count() == before


async def test_bad_lines_are_refused_rows_among_good_ones(house: House):
    good = penalty(house.number())
    lines = [
        orjson.dumps(good),
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"CF_XDR_MC": NaN}',
        b'{"BZ": "' + b"x" * 10_000_000 + b'"}',
        GOOD.replace("示例".encode(), b"\\u0000", 1),
        GOOD.replace("示例".encode(), b"\\udfff", 1),
        b'{"a":' * 20_000,
        orjson.dumps(good),
    ]
    answer = await house.submit(b"\n".join(lines), kind="application/x-ndjson")
    verdicts, receipt = told(answer)
    assert [each["verdict"] for each in verdicts] == ["accepted", *["refused"] * 9, "unchanged"]
    assert receipt["refused"] == 9
    assert {reason["code"] for reason in verdicts[6]["reasons"]} == {"row_too_large"}
    (stored,) = await house.fetch(
        "select count(*) n from ingestion.revision where submission = $1", receipt["submission"]
    )
    assert stored["n"] == 1


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip"])
async def test_another_packing_is_unsupported(house: House, encoding: str):
    answer = await house.submit(GOOD, headers={"Content-Encoding": encoding})
    assert_problem(answer, 415)


async def test_a_damaged_parcel_is_malformed_and_a_bomb_is_too_large(house: House):
    before = await house.count()
    packed = gzip.compress(GOOD)
    assert_problem(await house.submit(packed[:-4], headers={"Content-Encoding": "gzip"}), 400)
    assert_problem(await house.submit(GOOD, headers={"Content-Encoding": "gzip"}), 400)
    bomb = gzip.compress(b" " * (65 * 1024 * 1024), compresslevel=9)
    assert len(bomb) < 100_000
    assert_problem(await house.submit(bomb, headers={"Content-Encoding": "gzip"}), 413, "too_large")
    assert await house.count() == before


async def test_too_many_rows_are_too_large_before_anything_is_stored(house: House):
    before = await house.count()
    answer = await house.submit(b"{}\n" * 200_001, kind="application/x-ndjson")
    assert_problem(answer, 413, "too_large")
    assert await house.count() == before


async def test_a_refused_row_names_field_rule_and_remedy_and_never_the_value(house: House):
    secret = resident(9)
    row = person_penalty(house.number(), CF_XDR_ZJHM=secret, CF_JDRQ="2027-01-01", CF_XDR_LB="鱼类", CF_NR_FK="二十")
    before = await house.count()
    answer = await house.submit(row)
    problem = assert_problem(answer, 422, "refused")
    assert {error["pointer"] for error in problem["errors"]} == {"/CF_XDR_LB", "/CF_NR_FK"}
    for value in (secret, "鱼类", "二十"):
        assert value not in answer.text
    assert await house.count() == before


@pytest.mark.parametrize("key", ["", "x" * 129, "tab\there", "é"])
async def test_a_bad_idempotency_key_is_malformed(house: House, key: str):
    answer = await house.submit(GOOD, headers={"Idempotency-Key": key.encode("latin-1")})
    assert_problem(answer, 400, "malformed")


@pytest.mark.parametrize("query", [{"lane": "fast"}, {"dry_run": "perhaps"}, {"dryrun": "true"}])
async def test_a_bad_parameter_is_a_problem(house: House, query: dict[str, str]):
    before = await house.count()
    assert_problem(await house.submit(GOOD, **query), 422)
    assert await house.count() == before


ROUTES = [
    ("POST", "/v1/items/administrative_penalty/records", penalty(1)),
    ("GET", f"/v1/submissions/{NOBODYS}", None),
    ("GET", f"/v1/submissions/{NOBODYS}/verdicts", None),
    ("GET", f"/v1/submissions/{NOBODYS}/receipt", None),
    ("GET", f"/v1/records/{NOBODYS}", None),
    ("GET", f"/v1/records/{NOBODYS}/revisions", None),
    ("POST", f"/v1/records/{NOBODYS}/corrections", {"fields": {}, "reason": "error"}),
    ("POST", f"/v1/records/{NOBODYS}/withdrawal", {"reason": "error"}),
    ("GET", "/v1/reviews", None),
    ("GET", f"/v1/reviews/{NOBODYS}", None),
    ("POST", f"/v1/reviews/{NOBODYS}/decision", {"decision": "refuse"}),
]


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
async def test_every_route_needs_its_scope_and_its_kind_of_caller(house: House, method: str, path: str, body: Any):
    before = await house.count()
    for caller in (PUBLIC, department(scopes=frozenset()), department(kind="bureau"), department(kind="subject")):
        async with house.client(caller) as client:
            answer = await client.request(method, path, json=body, headers={"If-Match": '"1"'})
        assert_problem(answer, answer.status_code)
        assert answer.status_code in {401, 403}
    async with house.client(PUBLIC) as client:
        answer = await client.request(method, path, json=body, headers={"X-Creditmesh-Token": "no.such.token"})
    assert_problem(answer, 401)
    assert await house.count() == before


@pytest.mark.parametrize(
    "path", ["/v1/records/x", "/v1/submissions/%00", "/v1/reviews/1", "/v1/records/" + "9" * 500, "/v1/reviews?limit=0",
             "/v1/reviews?limit=x", "/v1/reviews?cursor=x", "/v1/reviews?state=%00", "/v1/reviews?cursor=" + "a" * 65]
)  # fmt: skip
async def test_a_path_that_names_nothing_is_a_problem(house: House, path: str):
    async with house.client(OFFICER) as client:
        answer = await client.get(path)
    assert_problem(answer, answer.status_code)
    assert answer.status_code in {400, 404, 422}


@pytest.mark.parametrize("item", ["%00", "..", "administrative_penalty%00", "x" * 3000, "%F0%9F%90%9F"])
async def test_an_item_that_is_none_is_not_found(house: House, item: str):
    assert_problem(await house.submit(GOOD, item=item), 404)


BAD_CHANGES = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'{"fields": 1}',
    b'{"fields": {"CF_WSH": NaN}}',
    b'{"fields": {"CF_WSH": "\\ud800"}}',
    b'{"fields": {"CF_WSH": "\\u0000"}}',
    b'{"fields": {}, "basis": "\\u0000"}',
    b'{"fields": {}, "basis": "\\ud800"}',
    b'{"fields": {}, "reason": "whim"}',
    b'{"fields": {}, "more": 1}',
    b'{"fields": {"a": ' + b"[" * 100_000,
    b'{"reason": "error", "basis": "' + b"x" * 201 + b'"}',
    b'{"reason": "error", "basis": "\\u0007"}',
    b'{"decision": "perhaps"}',
    b'{"decision": "release", "note": "\\u0000"}',
    b'{"decision": "release", "note": "\\udc00"}',
    b"\xff\xfe\xfd",
]


@pytest.mark.parametrize("body", BAD_CHANGES)
async def test_a_bad_change_is_a_problem_and_changes_nothing(house: House, body: bytes):
    record = (await house.submit(penalty(house.number()))).json()["record"]
    review = (await house.submit(penalty(house.number(), CF_NR_FK="2000"))).json()["review"]
    before = await house.count()
    headers = {"If-Match": '"1"', "Content-Type": "application/json", "Idempotency-Key": f"bad-{uuid4()}"}
    async with house.client(OFFICER) as client:
        for path in (
            f"/v1/records/{record}/corrections",
            f"/v1/records/{record}/withdrawal",
            f"/v1/reviews/{review}/decision",
        ):
            answer = await client.post(path, content=body, headers=headers)
            assert_problem(answer, answer.status_code)
            assert answer.status_code in {400, 413, 422}
    assert await house.count() == before
