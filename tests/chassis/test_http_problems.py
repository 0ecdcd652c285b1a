"""Every error is a problem document in both languages, and nothing that was sent comes back in it."""

import asyncio
import importlib
import pkgutil
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

import creditmesh
from creditmesh.chassis.caller import Caller
from creditmesh.chassis.database.address import DatabaseAddress
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.errors import Problem
from creditmesh.chassis.http.app import service_app
from creditmesh.schemas.problems import PROBLEM_JSON, FieldError, ProblemDocument
from tests.chassis import toys
from tests.chassis.conftest import DEPARTMENT, Nursery

SENT = "990000199001010017"
JSON = {"Content-Type": "application/json"}


def problem(answer: Any, status: int, code: str) -> ProblemDocument:
    """The document of a refusal, as RFC 9457 and our own rules have it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM_JSON
    assert answer.headers["cache-control"] == "no-store"
    document = ProblemDocument.model_validate_json(answer.content)
    assert document.status == status
    assert document.code == code
    assert document.type == f"urn:creditmesh:problem:{code}"
    assert document.title.isascii()
    assert any("\u4e00" <= letter <= "\u9fff" for letter in document.title_zh)
    assert SENT not in answer.text
    for error in document.errors:
        assert error.pointer == "" or error.pointer.startswith("/")
        assert error.code
        assert error.detail
        assert error.detail_zh
    return document


def kinds() -> list[type[Problem]]:
    """Every kind of problem of every package of the product."""
    for found in pkgutil.walk_packages(creditmesh.__path__, "creditmesh."):
        if not {"migrations", "alembic", "__main__"} & set(found.name.split(".")):
            importlib.import_module(found.name)
    seen, waiting = [], [Problem]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.startswith("creditmesh."):
            seen.append(kind)
    return sorted(set(seen), key=lambda kind: (kind.__module__, kind.__name__))


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__qualname__)
def test_every_kind_of_problem_has_a_code_a_status_and_both_titles(kind: type[Problem]):
    assert kind.code.replace("_", "").isalnum()
    assert kind.code.islower()
    assert 400 <= kind.status < 600
    assert kind.title
    assert kind.title.isascii()
    assert any("\u4e00" <= letter <= "\u9fff" for letter in kind.title_zh)
    assert kind.__doc__


def test_one_code_means_one_title_and_one_status():
    meanings: dict[str, set[tuple[str, str, int]]] = {}
    for kind in kinds():
        meanings.setdefault(kind.code, set()).add((kind.title, kind.title_zh, kind.status))
    assert {code: said for code, said in meanings.items() if len(said) > 1} == {}


def test_a_document_has_the_members_of_the_standard_and_ours():
    error = FieldError(pointer="/a", code="missing", detail="d", detail_zh="d_zh")
    document = Problem("detail", "说明", errors=[error]).document("id").model_dump()
    assert set(document) == {
        "type", "code", "title", "title_zh", "status", "detail", "detail_zh", "request_id", "errors",
    }  # fmt: skip


UNREADABLE: dict[str, bytes] = {
    "cut short": b'{"colour": "' + SENT.encode(),
    "no json": SENT.encode() + b" red",
    "raw nul": b'{"colour": "a\x00b"}',
    "gb18030": '{"colour": "红色"}'.encode("gb18030"),
    "utf-16": '{"colour": "red"}'.encode("utf-16"),
    "very deep": b'{"colour": "red", "parts": {"a": ' + b"[" * 5000 + b"]" * 5000 + b"}}",
    "two values": b'{"colour": "red"} {"colour": "red"}',
    "empty": b"",
    "blank": b"  \n",
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
async def test_a_body_that_is_no_json_is_400_with_a_remedy(nursery: Nursery, body: bytes):
    async with nursery.client(DEPARTMENT) as client:
        document = problem(await client.post("/v1/toys", content=body, headers=JSON), 400, "malformed")
    assert document.detail
    assert document.detail_zh


@pytest.mark.parametrize(
    ("body", "pointer", "rule"),
    [
        (rb'{"colour": "a\u0000b"}', "/colour", "nul"),
        (rb'{"colour": "red", "parts": {"a": [1, {"b": "\\\u0000"}]}}', "/parts/a/1/b", "nul"),
        (rb'{"colour": "red", "parts": {"a\u0000": 1}}', "/parts", "nul"),
        (rb'{"colour": "\ud800"}', "/colour", "surrogate"),
        (rb'{"colour": "red", "parts": {"\udc00": {"x": 1}}}', "/parts", "surrogate"),
        (b'{"colour": "red", "weight": NaN}', "/weight", "not_a_number"),
        (b'{"colour": "red", "parts": {"a": [1, -Infinity]}}', "/parts/a/1", "not_a_number"),
    ],
)
async def test_what_no_database_holds_is_a_fault_of_that_field(nursery: Nursery, body: bytes, pointer: str, rule: str):
    async with nursery.client(DEPARTMENT) as client:
        document = problem(await client.post("/v1/toys", content=body, headers=JSON), 422, "invalid")
    assert [(error.pointer, error.code) for error in document.errors] == [(pointer, rule)]


async def test_a_backslash_before_u0000_is_text(nursery: Nursery):
    async with nursery.client(DEPARTMENT) as client:
        answer = await client.post("/v1/toys", content=rb'{"colour": "a\\u0000"}', headers=JSON)
    assert answer.status_code == 201


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "x"])
async def test_another_kind_of_body_is_415(nursery: Nursery, media: str):
    async with nursery.client(DEPARTMENT) as client:
        answer = await client.post("/v1/toys", content=b'{"colour": "red"}', headers={"Content-Type": media})
    problem(answer, 415, "unsupported_media_type")


FIELDS: dict[str, tuple[dict[str, Any], str, str]] = {
    "missing": ({}, "/colour", "missing"),
    "too long": ({"colour": SENT}, "/colour", "string_too_long"),
    "wrong type": ({"colour": 17}, "/colour", "string_type"),
    "wrong number": ({"colour": "red", "wheels": SENT + "x"}, "/wheels", "int_parsing"),
    "negative": ({"colour": "red", "wheels": -1}, "/wheels", "greater_than_equal"),
    "unknown": ({"colour": "red", "flavour": SENT}, "/flavour", "extra_forbidden"),
    "unknown, named like a person's number": ({"colour": "red", SENT: 1}, "", "extra_forbidden"),
    "unknown, with a number in it": ({"colour": "red", f"id{SENT}": 1}, "", "extra_forbidden"),
    "unknown, named with slashes": ({"colour": "red", "a/b~c": 1}, "", "extra_forbidden"),
    "one of several types": ({"colour": "red", "size": SENT + "x"}, "/size", "int_parsing"),
    "a member of a union": (
        {"colour": "red", "wheel": {"shape": "round", "spokes": "x"}},
        "/wheel/spokes",
        "int_parsing",
    ),
    "missing from a member": ({"colour": "red", "wheel": {"shape": "round"}}, "/wheel/spokes", "missing"),
    "no member at all": ({"colour": "red", "wheel": {"shape": SENT}}, "/wheel/shape", "union_tag_invalid"),
    "personal value of a wrong type": ({"colour": "red", "owner": {"number": SENT}}, "/owner", "string_type"),
    "personal value too long": ({"colour": "red", "owner": SENT * 40}, "/owner", "string_too_long"),
    "no object": ([SENT], "", "model_attributes_type"),  # type: ignore[dict-item]
}


@pytest.mark.parametrize(("body", "pointer", "code"), FIELDS.values(), ids=FIELDS)
async def test_a_field_at_fault_is_named_with_its_rule_and_never_its_value(
    nursery: Nursery, body: dict[str, Any], pointer: str, code: str
):
    async with nursery.client(DEPARTMENT) as client:
        document = problem(await client.post("/v1/toys", json=body), 422, "invalid")
    assert (document.errors[0].pointer, document.errors[0].code) == (pointer, code)


async def test_a_query_at_fault_beside_a_good_body_is_named(nursery: Nursery):
    mark = "0199f000-0000-7000-8000-00000000000a"
    async with nursery.client() as client:
        answer = await client.post(f"/v1/marks/{mark}/long?events={SENT}x", json={"events": 1})
    assert problem(answer, 422, "invalid").errors[0].pointer == "/query/events"


@pytest.mark.parametrize(
    ("path", "pointer"),
    [(f"/v1/toys/{SENT}", "/path/id"), (f"/v1/toys/0199f000-0000-7000-8000-000000000000?limit={SENT}", "/query/limit")],
)
async def test_a_path_or_query_at_fault_is_named_too(nursery: Nursery, path: str, pointer: str):
    async with nursery.client() as client:
        document = problem(await client.get(path), 422, "invalid")
    assert document.errors[0].pointer == pointer


@pytest.mark.parametrize(("name", "pointer"), [("limits", "/query/limits"), (SENT, "/query")])
async def test_a_parameter_the_route_does_not_have_is_refused_and_nothing_is_done(
    nursery: Nursery, name: str, pointer: str
):
    mark = "0199f000-0000-7000-8000-00000000000b"
    async with nursery.client() as client:
        document = problem(await client.post(f"/v1/marks/{mark}/long?{name}=1", json={"events": 1}), 422, "invalid")
    assert [(error.pointer, error.code) for error in document.errors] == [(pointer, "extra_forbidden")]


async def test_paths_and_methods_that_are_not_there(nursery: Nursery):
    async with nursery.client() as client:
        problem(await client.get(f"/v1/{SENT}"), 404, "not_found")
        refused = await client.put("/v1/toys", json={})
    problem(refused, 405, "method_not_allowed")
    assert refused.headers["allow"] == "POST"


async def test_a_fault_of_ours_says_nothing_of_itself(nursery: Nursery):
    async with nursery.client() as client:
        document = problem(await client.post("/v1/marks/0199f000-0000-7000-8000-000000000000/fault"), 500, "fault")
    assert toys.SECRET not in document.model_dump_json()
    assert "RuntimeError" not in document.model_dump_json()


async def test_a_database_that_is_away_is_503_with_a_time_to_come_back(nursery: Nursery):
    away = Pool(DatabaseAddress.read("postgresql://127.0.0.1:1/away"), application_name="test")
    app = service_app(replace(nursery.equipment, pool=away), nursery.verifier)
    async with nursery.client(app=app) as client:
        answer = await client.post("/v1/marks/0199f000-0000-7000-8000-000000000000")
    problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"]


async def test_more_than_the_pool_lets_wait_is_503_at_once_and_says_so(nursery: Nursery):
    pool = Pool(nursery.database.addresses["toy"], application_name="test", size=1, waiting=0)
    app = service_app(replace(nursery.equipment, pool=pool), nursery.verifier)
    async with pool.session(), nursery.client(app=app) as client, asyncio.timeout(60):
        answer = await client.post("/v1/marks/0199f000-0000-7000-8000-000000000000")
    await pool.close()
    problem(answer, 503, "busy")
    assert answer.headers["retry-after"]


async def test_a_flood_of_the_public_leaves_a_departments_requests_answered(nursery: Nursery):
    pool = Pool(nursery.database.addresses["toy"], application_name="test")
    app = service_app(replace(nursery.equipment, pool=pool), nursery.verifier)
    toys.before_the_end.append(lambda _: asyncio.sleep(0.02))
    async with nursery.client(app=app) as public, nursery.client(DEPARTMENT, app=app) as department:
        flood = [asyncio.create_task(public.post(f"/v1/marks/{uuid4()}")) for _ in range(300)]
        await asyncio.sleep(0.1)
        for _ in range(5):
            assert (await department.post("/v1/toys", json={"colour": "red"})).status_code == 201
        assert not all(each.done() for each in flood)
        assert {answer.status_code for answer in await asyncio.gather(*flood)} == {200, 503}
    await pool.close()


async def test_the_request_id_of_the_gateway_is_in_the_document(nursery: Nursery):
    own = str(uuid4())
    async with nursery.client() as client:
        answer = await client.get("/v1/nowhere", headers={"X-Request-Id": own})
    assert problem(answer, 404, "not_found").request_id == own


async def test_who_may_not_is_told_what_is_missing(nursery: Nursery):
    bureau = Caller(kind="bureau", party="b", scopes=frozenset({"records:submit"}), credential="k")
    scopeless = Caller(kind="department", party="d", scopes=frozenset(), credential="k")
    for caller, word in ((bureau, "department"), (scopeless, "records:submit")):
        async with nursery.client(caller) as client:
            document = problem(await client.post("/v1/toys", json={"colour": "red"}), 403, "forbidden")
        assert word in document.detail
        assert word in document.detail_zh


async def test_a_caller_without_a_token_is_nobody(nursery: Nursery):
    async with nursery.client() as client:
        problem(await client.post("/v1/toys", json={"colour": "red"}), 403, "forbidden")
