"""Every route of the real node against every kind of caller: only whom it names comes in."""

import re
from collections.abc import AsyncIterator
from typing import get_args
from uuid import uuid4

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from creditmesh.gateway import operations
from creditmesh.gateway.models import SCOPES, NewCredential, OperatorKey, PartyKey, SubjectToken
from creditmesh.gateway.routes import Route, Routes
from creditmesh.node.declaration import NODE
from creditmesh.schemas.events.access import CallerKind
from tests.gateway.standing import Raw, Standing, bearer, client, invented
from tests.support.access import TABLE, named, scopes_of

ROUTES = Routes(NODE.services).all
KINDS = [kind for kind in get_args(CallerKind) if kind != "public"]


def reached(name: str) -> Raw:
    """A service that says that it was reached."""

    async def service(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"x-reached", f"{name} {scope['method']} {scope['path']}".encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    return Raw(service)


@pytest.fixture(scope="module")
async def outside(standing: Standing) -> AsyncIterator[httpx.AsyncClient]:
    transports = {service.name: reached(service.name) for service in NODE.services}
    door = standing.door(declaration=NODE, transports=transports)
    yield client(door)
    await door.close()


@pytest.fixture(scope="module")
async def everybody(standing: Standing) -> dict[tuple[str, str | None], NewCredential]:
    """For each kind one credential with every scope, and one that lacks each scope in turn."""
    made = {}
    for kind in KINDS:
        for lacking in (None, *sorted(SCOPES)):
            async with standing.context() as context:
                more = {"scopes": tuple(sorted(SCOPES - {lacking})), "label": uuid4().hex[:30]}
                match kind:
                    case "subject":
                        order = SubjectToken(kind="subject", subject=uuid4(), **more)
                        made[kind, lacking] = await operations.create_person_token(context, order)
                    case "operator":
                        made[kind, lacking] = await operations.create_key(context, OperatorKey(kind=kind, **more))
                    case _:
                        order = PartyKey(kind=kind, party=f"{kind}.all", **more)
                        made[kind, lacking] = await operations.create_key(context, order)
    return made


async def ask(outside: httpx.AsyncClient, route: Route, credential: str | NewCredential | None) -> httpx.Response:
    path = re.sub(r"\{[^}]*\}", str(uuid4()), route.template)
    headers = {} if credential is None else bearer(credential)
    return await outside.request(min(route.methods), path, headers=headers)


def test_every_route_is_in_the_table_and_nothing_else_is():
    assert {named(route) for route in ROUTES} == set(TABLE)


@pytest.mark.parametrize("route", ROUTES, ids=named)
async def test_only_whom_a_route_names_comes_in(
    outside: httpx.AsyncClient, everybody: dict[tuple[str, str | None], NewCredential], route: Route
):
    scopes = scopes_of(route)
    anonymous = await ask(outside, route, None)
    assert anonymous.status_code == (200 if scopes is None else 401)
    assert (await ask(outside, route, invented())).status_code == 401
    for kind in KINDS:
        invited = scopes is None or kind in scopes
        answer = await ask(outside, route, everybody[kind, None])
        assert answer.status_code == (200 if invited else 403), kind
        assert ("x-reached" in answer.headers) is invited
        if invited:
            assert answer.headers["x-reached"].split(" ")[0] == route.service
        if scopes is not None and kind in scopes:
            lacking = await ask(outside, route, everybody[kind, scopes[kind]])
            assert lacking.status_code == 403, kind
            assert "x-reached" not in lacking.headers


async def test_what_is_for_the_operator_is_reached_by_nobody(
    outside: httpx.AsyncClient, everybody: dict[tuple[str, str | None], NewCredential]
):
    open_paths = {(min(route.methods), route.template) for route in ROUTES}
    inside = [
        (method, route.path)
        for service in NODE.services
        if service.router is not None
        for route in service.router.routes
        for method in route.methods
        if (method, route.path_format) not in open_paths
    ]
    assert ("POST", "/v1/admin/keys") in inside
    for method, path in inside:
        for credential in (None, *(everybody[kind, None] for kind in KINDS)):
            headers = {} if credential is None else bearer(credential)
            assert (await outside.request(method, path, headers=headers)).status_code == 404, path
