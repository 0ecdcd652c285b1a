"""Whatever is sent to whatever route of the node: a clear refusal in both languages, nothing stored, never a 500."""

import gzip
import json
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from creditmesh.gateway.routes import Route, Routes
from creditmesh.node.declaration import NODE
from creditmesh.node.reference import openapi
from tests.journeys.examples import EXAMPLES, WITHDRAWN, named, path_of, send
from tests.journeys.stored import Stored
from tests.support.bad_input import BODIES, HEADERS, IN_A_PATH, IN_A_QUERY, JSON, MEDIA, SENT, bodies_from, is_refusal
from tests.support.cast import BY_MATTER, ITEM, NOBODYS, Cast, asked, penalty, resident

ROUTES = Routes(NODE.services).all
POSTS = [route for route in ROUTES if "POST" in route.methods]
JSON_POSTS = [route for route in POSTS if EXAMPLES[named(route)].body is not None]
"""The others read raw bodies; what they make of bad ones is in the tests of their service."""
DOCUMENT = openapi()
SUBMIT = "POST /v1/items/{item}/records"
READ_NO_KEY = {
    "POST /v1/catalogue/items/{code}/withdraw",
    "POST /v1/authorisations",
    "POST /v1/public/searches",
    "POST /v1/cases/{case}/evidence",
    "POST /v1/screenings",
    "POST /v1/eligibility",
    "POST /v1/subjects/confirmations",
    "POST /v1/records/searches",
    "POST /v1/exchange/feeds/{feed}/acknowledgements",
}
ITS_OWN = {SUBMIT: {"array", "array of null"}, "POST /v1/records/searches": {"empty object"}}
"""Bodies that are wrong elsewhere: a submission of no rows or of rows to be judged, a search without a condition."""
OF_MANY = {SUBMIT, "POST /v1/screenings"}
"""Take an array of what the document shows one of."""
KEPT = {"no_ground", "no_authorisation"}
"""The refusals among these that are accesses of the person asked about."""
MEANS_SOMETHING = {"limit=1&limit=x", "cursor=", "cursor=bm90LW91cnM", "as_of=1767225600", "q=%ED%A0%80"}
"""The last of two, none, after a code that may once have been there, seconds, a letter that is in no name."""
LONG = b"x" * (10 * 1024 * 1024)
BOMB = gzip.compress(b" " * (70 * 1024 * 1024), mtime=0)


@pytest.fixture
async def answers(stored: Stored) -> AsyncIterator[list[httpx.Response]]:
    """Gathers what a test was answered; at its end nothing is stored but the refusals that are accesses."""
    tables, accesses, gathered = await stored.tables(), await stored.accesses(), list[httpx.Response]()
    yield gathered
    assert gathered, "nothing was tried"
    assert await stored.tables() == tables
    more = await stored.accesses() - accesses
    kept = sum(answer.status_code >= 400 and answer.json()["code"] in KEPT for answer in gathered)
    assert more["refused"] == kept
    if not any(answer.status_code < 400 for answer in gathered):
        assert set(more) <= {"refused"}


def schema_of(route: Route) -> dict[str, Any] | None:
    body = DOCUMENT["paths"][route.template][min(route.methods).lower()].get("requestBody", {})
    found = body.get("content", {}).get(JSON, {}).get("schema")
    return None if found is None else {**found, "components": DOCUMENT["components"]}


def parameters_of(route: Route) -> set[str]:
    described = DOCUMENT["paths"][route.template][min(route.methods).lower()]
    return {each["name"] for each in described.get("parameters", []) if each["in"] == "query"}


def test_every_route_has_an_example():
    assert {named(route) for route in ROUTES} == set(EXAMPLES)


@pytest.mark.parametrize("route", [route for route in ROUTES if "{" in route.template], ids=named)
async def test_a_path_that_names_nothing_is_refused(cast: Cast, answers: list[httpx.Response], route: Route):
    for name in re.findall(r"\{(\w+)\}", route.template):
        for value in IN_A_PATH:
            answer = await send(cast, route, path=path_of(cast, route, **{name: value}))
            answers.append(answer)
            assert is_refusal(answer), value
            assert answer.status_code in {400, 404, 405, 414, 422}, value


@pytest.mark.parametrize("route", [route for route in ROUTES if "GET" in route.methods], ids=named)
async def test_a_query_string_that_makes_no_sense_is_refused_or_means_nothing(
    cast: Cast, answers: list[httpx.Response], route: Route
):
    for query in IN_A_QUERY:
        answer = await send(cast, route, query=query)
        answers.append(answer)
        refused = is_refusal(answer)
        known = {name for name, _ in parse_qsl(query, keep_blank_values=True)} & parameters_of(route)
        if not refused and known:
            assert known <= {"q", "cursor", "as_of", "limit"}, query
            assert query in MEANS_SOMETHING, query
        if refused and answer.status_code == 422:
            assert {error["pointer"].split("/")[1] for error in answer.json()["errors"]} == {"query"}, query


@pytest.mark.parametrize("route", JSON_POSTS, ids=named)
async def test_a_body_that_cannot_be_read_or_is_none_of_the_routes_is_refused(
    cast: Cast, answers: list[httpx.Response], route: Route
):
    bodies = {name: body for name, body in BODIES.items() if name not in ITS_OWN.get(named(route), ())}
    for name, body in bodies.items():
        answer = await send(cast, route, content=body, headers={"Content-Type": JSON})
        answers.append(answer)
        assert is_refusal(answer), name
        assert answer.status_code in {400, 413, 422}, name
        assert answer.json()["errors"] or answer.json()["detail"], name


@pytest.mark.parametrize("route", JSON_POSTS, ids=named)
async def test_another_kind_of_body_is_refused(cast: Cast, answers: list[httpx.Response], route: Route):
    example = EXAMPLES[named(route)]
    assert example.body is not None
    good = json.dumps(example.body(cast)).encode()
    for media in MEDIA:
        answer = await send(cast, route, content=good, headers={"Content-Type": media.encode()})
        answers.append(answer)
        assert is_refusal(answer), media
        assert answer.status_code == 415, media


@pytest.mark.parametrize("route", [route for route in POSTS if schema_of(route)], ids=named)
async def test_a_field_at_fault_is_named_with_its_rule_and_its_remedy(
    cast: Cast, answers: list[httpx.Response], route: Route
):
    example = EXAMPLES[named(route)]
    assert example.body is not None
    for pointer, body in bodies_from(example.body(cast), schema_of(route)):
        if named(route) in OF_MANY and not pointer and body.startswith(b"["):
            continue
        answer = await send(cast, route, content=body, headers={"Content-Type": JSON})
        answers.append(answer)
        assert is_refusal(answer), (pointer, body[:200])
        assert answer.status_code == 422, (pointer, body[:200])
        found = [error["pointer"] for error in answer.json()["errors"]]
        if found in (["/signature"], ["/signed"]):
            continue  # read as another text, which is then not what was signed
        assert any(f"{each}/".startswith(pointer + "/") or pointer.startswith(each) for each in found), (pointer, found)
    assert len(answers) > 10


async def test_a_row_with_a_misshapen_field_is_refused_with_that_field(cast: Cast, answers: list[httpx.Response]):
    good = penalty("示市监罚〔2026〕905号", today=cast.today)
    for code in good:
        for value in ([], {}, [SENT], {"a": SENT}, "\0", "\ud800", float("nan"), float("-inf"), "x" * 100_000):
            answer = await cast.door("owner").post(
                f"/v1/items/{ITEM}/records",
                content=json.dumps(good | {code: value}).encode(),
                headers={"Content-Type": JSON},
            )
            answers.append(answer)
            assert is_refusal(answer), (code, str(value)[:20])
            assert answer.status_code == 422, (code, str(value)[:20])
            assert answer.json()["errors"], (code, str(value)[:20])


async def test_bad_rows_among_many_are_refused_rows(cast: Cast, stored: Stored):
    before, accesses = await stored.tables(), await stored.accesses()
    bad = [
        b"{", b"null", b"[]", b'"x"', b'{"a": NaN}', rb'{"CF_WSH": "\ud800"}', b'{"CF_WSH": "\x00"}', b"\xff\xfe",
        b"[" * 100_000, b'{"a": "' + b"x" * (10 * 1024 * 1024) + b'"}', b"{}", SENT.encode(), b"1" * 5000,
    ]  # fmt: skip
    answer = await cast.door("owner").post(
        f"/v1/items/{ITEM}/records", content=b"\n".join(bad), headers={"Content-Type": "application/x-ndjson"}
    )
    assert answer.status_code == 200, answer.text[:500]
    assert SENT not in answer.text
    *verdicts, receipt = [json.loads(line) for line in answer.text.splitlines()]
    assert len(verdicts) == len(bad) == json.loads(receipt["receipt"]["signed"])["refused"]
    for verdict in verdicts:
        assert verdict["verdict"] == "refused"
        for reason in verdict["reasons"]:
            assert reason["code"]
            assert reason["detail"]
            assert not reason["detail_zh"].isascii()
    after = await stored.tables()
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"ingestion.submission", "ingestion.submission_chunk"}
    assert await stored.accesses() == accesses


@pytest.mark.parametrize(
    ("content", "media", "encoding", "status"),
    [
        (b"\x1f\x8bnot gzip", JSON, "gzip", 400),
        (gzip.compress(b"{}", mtime=0)[:-4], JSON, "gzip", 400),
        (b"{}", JSON, "br", 415),
        (b"{}", JSON, "gzip, gzip", 415),
        (b"a,b\n1,2\n", "text/csv; charset=utf-16", "", 415),
        (b"a,b\n1,2\n", "text/csv", "", 422),
        (b"\xff\xff\n", "text/csv; charset=utf-8", "", 422),
        (b"\x81\n", "text/csv; charset=gb18030", "", 422),
        (LONG, "text/csv", "", 422),
        (b"", "text/csv", "", 400),
        (b"\n\n", "application/x-ndjson", "", 400),
        (BOMB, "application/x-ndjson", "gzip", 413),
    ],
    ids=lambda value: str(value)[:20],
)
async def test_a_file_that_cannot_be_read_is_refused_whole(
    cast: Cast, answers: list[httpx.Response], *, content: bytes, media: str, encoding: str, status: int
):
    headers = {"Content-Type": media} | ({"Content-Encoding": encoding} if encoding else {})
    answer = await cast.door("owner").post(f"/v1/items/{ITEM}/records", content=content, headers=headers)
    answers.append(answer)
    assert is_refusal(answer)
    assert answer.status_code == status


@pytest.mark.parametrize("route", ROUTES, ids=named)
async def test_a_credential_that_is_none_is_refused_on_every_route(
    cast: Cast, answers: list[httpx.Response], route: Route
):
    for name, value in HEADERS:
        answer = await send(cast, route, by=None, headers={name: value})
        answers.append(answer)
        assert is_refusal(answer) or value == b"", value[:30]
        assert answer.status_code == 401 or (value == b"" and route.open), value[:30]
        if value:
            assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("route", [route for route in POSTS if named(route) not in READ_NO_KEY], ids=named)
async def test_an_idempotency_key_that_is_none_is_refused_where_one_is_read(
    cast: Cast, answers: list[httpx.Response], route: Route
):
    for key in (b"", b"a" * 129, b"\xff", b"\xe2\x98\x83", b"a\tb"):
        answer = await send(cast, route, headers={"Idempotency-Key": key})
        answers.append(answer)
        assert is_refusal(answer), key
        assert answer.status_code == 400, key


@pytest.mark.parametrize("name", ["corrections", "withdrawal"])
async def test_a_change_needs_the_revision_it_was_made_from(cast: Cast, answers: list[httpx.Response], name: str):
    route = next(route for route in POSTS if route.template.endswith(f"/{name}"))
    for tag, status in [
        (b"", 428), (b"*", 400), (b"1", 400), (b'"x"', 400), (b'"-1"', 400), (b'"1", "2"', 400), (b"\xff", 400),
        (b'"' + b"9" * 30 + b'"', 400), ('"１"'.encode(), 400), (b'"7"', 412), (b'W/"7"', 412),
    ]:  # fmt: skip
        example = EXAMPLES[named(route)]
        assert example.body is not None
        answer = await cast.door("owner").post(path_of(cast, route), json=example.body(cast), headers={"If-Match": tag})
        answers.append(answer)
        assert is_refusal(answer), tag
        assert answer.status_code == status, tag


async def test_methods_and_paths_that_are_not_there_are_refused(cast: Cast, answers: list[httpx.Response]):
    for route in ROUTES:
        for method in ("PUT", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"):
            answer = await cast.door("owner").request(method, path_of(cast, route))
            answers.append(answer)
            assert is_refusal(answer)
            assert answer.status_code == 405
            assert min(route.methods) in answer.headers["allow"]
    for path in (
        "/v1",
        "/v2/catalogue",
        "/v1/catalogue/",
        "//v1/catalogue",
        "/v1/%2e%2e",
        "/internal/subjects",
        "/metrics",
    ):
        answer = await cast.door().get(path)
        answers.append(answer)
        assert is_refusal(answer), path
        assert answer.status_code == 404, path


RULES: list[tuple[str, str, dict[str, Any], int, str]] = [
    (
        "asker",
        "/v1/queries",
        asked(purpose="statutory_duty", matter="no_such_matter", officer="W-17"),
        403,
        "no_ground",
    ),
    (
        "asker",
        "/v1/queries",
        asked(purpose="no_such_purpose", matter="procurement_review", officer="W-17"),
        403,
        "no_ground",
    ),
    ("asker", "/v1/queries", asked(purpose="statutory_duty", matter="procurement_review"), 403, "no_ground"),
    ("other", "/v1/queries", asked(**BY_MATTER), 403, "no_ground"),
    ("bureau", "/v1/queries", asked(purpose="credit_assessment", officer="B-3"), 403, "no_authorisation"),
    (
        "bureau",
        "/v1/queries",
        asked(purpose="credit_assessment", authorisation=str(NOBODYS), officer="B-3"),
        403,
        "no_authorisation",
    ),
    ("asker", "/v1/queries", asked("99000019850412001", **BY_MATTER), 422, "unusable_identity"),
    ("asker", "/v1/queries", asked(resident(1), **BY_MATTER, authorisation=str(NOBODYS)), 422, "invalid"),
    ("owner", "/v1/items/no_such_item/records", {"a": 1}, 404, "unknown_item"),
    ("owner", "/v1/items/judgment_defaulter/records", {"a": 1}, 403, "not_authorised"),
    ("office", "/v1/catalogue/items/no_such_item/withdraw", {"basis": "x"}, 404, "unknown_object"),
    ("bureau", "/v1/authorisations", {"token": SENT}, 404, "not_found"),
]


@pytest.mark.parametrize(("by", "path", "body", "status", "code"), RULES, ids=lambda value: str(value)[:40])
async def test_what_a_rule_refuses_says_which(
    cast: Cast, answers: list[httpx.Response], *, by: str, path: str, body: dict[str, Any], status: int, code: str
):
    answer = await cast.door(by).post(path, json=body)
    answers.append(answer)
    assert is_refusal(answer)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


LAST = ("corrections", "withdrawal", "decision", "withdraw", "DELETE /v1/me/authorisations/{id}")


@pytest.mark.parametrize(
    "route", sorted(ROUTES, key=lambda route: named(route).endswith(LAST) * (1 + ROUTES.index(route))), ids=named
)
async def test_every_example_is_a_good_one_so_that_what_is_refused_above_is_refused_for_its_fault(
    cast: Cast, route: Route
):
    answer, refused = await send(cast, route), EXAMPLES[named(route)].refused
    if refused is not None:
        assert answer.json()["code"] == refused, answer.text
        return
    assert answer.status_code in {200, 201, 202, 204}, answer.text
    if WITHDRAWN in path_of(cast, route):
        assert answer.json()["state"] == "withdrawn"
