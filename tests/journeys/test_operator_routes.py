"""The operator's routes of the whole node: on the second listener, for who has its secret, and strict with input."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from creditmesh.catalogue.sandbox import invented_uscc
from creditmesh.chassis.http.app import routes_of
from creditmesh.node.declaration import NODE
from creditmesh.node.reference import operators_openapi
from tests.journeys.stored import Stored
from tests.support.bad_input import BODIES, IN_A_PATH, JSON, is_refusal
from tests.support.cast import Cast, resident

ROUTES = [route for service in NODE.services for route in routes_of(service, internal=True)]
WITH_A_BODY = [route for route in ROUTES if route.body_field is not None]
CHANGES_NOTHING = {"POST /v1/admin/catalogue"}
"""It has a default for everything, so that an empty object is a good body: what stands already is left as it is."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """A good request of an operator."""

    path: dict[str, str]
    body: Callable[[Cast], Any] | None = None
    status: int = 200


def _peer(cast: Cast) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(cast.ids["peer"])
    return row


def _erasure(_: Cast) -> dict[str, Any]:
    """Not confirmed: it says what would go."""
    person = {"kind": "natural_person", "document": {"type": "resident_id", "number": resident(1)}}
    return {"person": person, "ground": "order", "basis": "示法行〔2026〕1号", "officer": "Ke"}


EXAMPLES = {
    "POST /v1/admin/catalogue": Example(path={}, body=lambda _: {"folder": None}),
    "GET /v1/admin/clock": Example(path={}),
    "POST /v1/admin/clock": Example(path={}, body=lambda _: {"offset_days": 0}),
    "GET /v1/admin/peers": Example(path={}),
    "POST /v1/admin/peers": Example(path={}, body=_peer),
    "POST /v1/admin/peers/own": Example(
        path={}, body=lambda _: {"name": "City", "name_zh": "某市信用平台", "uscc": invented_uscc("city")}
    ),
    "POST /internal/subjects": Example(
        path={},
        body=lambda _: {"kind": "natural_person", "document": {"type": "resident_id", "number": resident(1)}},
    ),
    "GET /v1/admin/erasures": Example(path={}),
    "POST /v1/admin/erasures": Example(path={}, body=_erasure),
    "GET /v1/admin/erasures/{erasure}": Example(path={"erasure": "0198f2c4-7a50-7c31-9d1e-5f0f6f0f2a11"}, status=404),
    "GET /v1/admin/feeds": Example(path={}),
    "POST /v1/admin/feeds/{peer}/{feed}/resume": Example(path={"peer": "district", "feed": "up"}, status=409),
    "POST /v1/admin/feeds/{peer}/{feed}/offer": Example(path={"peer": "district", "feed": "up"}),
    "GET /v1/admin/feeds/{peer}/heads": Example(path={"peer": "district"}),
    "GET /v1/admin/feeds/{peer}/up/said": Example(path={"peer": "district"}),
    "POST /v1/admin/feeds/{peer}/up/said": Example(path={"peer": "district"}, body=lambda _: {"records": []}),
    "POST /v1/admin/feeds/{peer}/up/told": Example(path={"peer": "district"}, body=lambda _: {"records": []}),
    "POST /v1/admin/feeds/unsaid": Example(path={}, body=lambda _: {"records": []}),
    "POST /v1/admin/copies/compared": Example(path={}, body=lambda _: {"said": []}),
    "GET /v1/admin/copies/{peer}": Example(path={"peer": "district"}),
    "POST /v1/admin/copies/withheld": Example(path={}, body=lambda _: {"records": []}, status=204),
    "GET /v1/admin/chain": Example(path={}),
    "POST /v1/admin/chain/{peer}/{node}/accept": Example(path={"peer": "province", "node": "nation"}, status=409),
    "POST /v1/admin/feeds/{feed}/restore": Example(path={"feed": "down"}),
    "GET /v1/admin/feeds/{feed}/second-history": Example(path={"feed": "down-nobody"}),
    "POST /v1/admin/feeds/{feed}/second-history": Example(
        path={"feed": "down-nobody"}, body=lambda _: {"head": "1-9f3a01bc22d4e6f8"}, status=409
    ),
    "GET /v1/admin/feeds/restored": Example(path={}),
    "DELETE /v1/admin/feeds/{feed}/restored/{index}": Example(path={"feed": "down", "index": "0"}, status=404),
    "POST /v1/admin/feeds/up/restored/{index}/end": Example(path={"index": "0"}, status=404),
    "POST /v1/admin/keys": Example(
        path={},
        body=lambda _: {"kind": "department", "party": "housing", "scopes": ["records:read"], "label": "again"},
        status=201,
    ),
    "POST /v1/admin/people": Example(
        path={},
        body=lambda _: {"kind": "office", "party": "credit_office", "officer": "Ke", "scopes": ["records:read"]},
        status=201,
    ),
    "GET /v1/admin/keys": Example(path={}),
    "DELETE /v1/admin/keys/{key}": Example(path={"key": "key of other bureau"}),
}


def named(route: APIRoute) -> str:
    return f"{min(route.methods)} {route.path_format}"


def path_of(cast: Cast, route: APIRoute, **other: str) -> str:
    values = {name: cast.ids.get(value, value) for name, value in EXAMPLES[named(route)].path.items()}
    return route.path_format.format_map(values | other)


async def send(cast: Cast, route: APIRoute, client: httpx.AsyncClient, **more: Any) -> httpx.Response:
    body = EXAMPLES[named(route)].body
    if body is not None and "content" not in more:
        more.setdefault("json", body(cast))
    return await client.request(min(route.methods), more.pop("path", path_of(cast, route)), **more)


@pytest.fixture
async def nothing_stored(stored: Stored) -> AsyncIterator[None]:
    before = await stored.tables()
    yield
    assert await stored.tables() == before


def test_every_operators_route_has_an_example():
    assert {named(route) for route in ROUTES} == set(EXAMPLES)


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("route", ROUTES, ids=named)
async def test_without_the_secret_or_at_the_door_it_is_closed(operated: Cast, route: APIRoute):
    for secret in ("", "Bearer", "Bearer x", "Basic Og==", f"Bearer {operated.tokens['office']}"):
        client = operated.node.operator()
        client.headers["Authorization"] = secret
        answer = await send(operated, route, client)
        assert is_refusal(answer, numbered=False), secret
        assert answer.status_code == 401, secret
    for name in (None, "office", "owner", "below"):
        answer = await send(operated, route, operated.door(name))
        assert is_refusal(answer), name
        assert answer.status_code == 404, name


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("route", WITH_A_BODY, ids=named)
async def test_a_body_that_is_none_of_the_routes_is_refused(operated: Cast, route: APIRoute):
    for name, body in BODIES.items():
        if name == "empty object" and named(route) in CHANGES_NOTHING:
            continue
        answer = await send(operated, route, operated.node.operator(), content=body, headers={"Content-Type": JSON})
        assert is_refusal(answer, numbered=False), name
        assert answer.status_code in {400, 413, 422}, name


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("route", [route for route in ROUTES if "{" in route.path_format], ids=named)
async def test_a_path_that_names_nothing_is_refused(operated: Cast, route: APIRoute):
    for name in EXAMPLES[named(route)].path:
        for value in IN_A_PATH:
            answer = await send(
                operated, route, operated.node.operator(), path=path_of(operated, route, **{name: value})
            )
            assert is_refusal(answer, numbered=False), value
            assert answer.status_code in {400, 404, 405, 409, 414, 422}, value


@pytest.mark.parametrize("route", sorted(ROUTES, key=lambda route: "DELETE" in route.methods), ids=named)
async def test_every_example_is_a_good_one(operated: Cast, route: APIRoute):
    answer = await send(operated, route, operated.node.operator())
    for _ in range(60):
        if answer.status_code != 503:
            break
        await asyncio.sleep(0.5)
        answer = await send(operated, route, operated.node.operator())
    assert answer.status_code == EXAMPLES[named(route)].status, answer.text


def shown(route: APIRoute) -> Any:
    """The body that the document shows."""
    operation = operators_openapi()["paths"][route.path_format][min(route.methods).lower()]
    return operation["requestBody"]["content"]["application/json"]["example"]


@pytest.mark.parametrize("route", WITH_A_BODY, ids=named)
async def test_what_the_document_shows_is_taken(operated: Cast, route: APIRoute):
    answer = await send(operated, route, operated.node.operator(), json=shown(route))
    assert answer.status_code == EXAMPLES[named(route)].status, answer.text


async def test_the_second_listener_shows_every_one_of_them_to_who_has_not_the_secret_yet(cast: Cast):
    app = cast.node.host.operator_app
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://node", timeout=60) as stranger:
        document = (await stranger.get("/openapi.json")).json()
        shown = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
        assert shown == {f"{min(route.methods)} {route.path_format}" for route in ROUTES}
        for methods in document["paths"].values():
            assert all(operation["security"] == [{"operator": []}] for operation in methods.values())
        page = await stranger.get("/docs")
        assert "script-src 'self';" in page.headers["content-security-policy"]
        assert 'url: "/openapi.json"' in (await stranger.get("/docs/start.js")).text
        begun = await stranger.get("/", headers={"Accept": "text/html"})
        assert (begun.status_code, begun.headers["location"]) == (307, "/docs")
        assert (await stranger.get("/")).json()["openapi"] == "/openapi.json"
        assert (await stranger.head("/docs")).content == b""
        assert (await stranger.get("/v1/admin/clock")).status_code == 401
