"""While a node has to catch up with a peer the door refuses every route that shows what copies say, and no other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace

import pytest

from creditmesh.gateway.catching_up import PeersBehind, follow, peers_behind
from creditmesh.gateway.errors import CatchingUp
from creditmesh.gateway.routes import Route, Routes
from creditmesh.node.declaration import NODE
from tests.journeys.below import CODE
from tests.journeys.examples import named, send
from tests.support.bad_input import is_refusal
from tests.support.cast import Cast
from tests.support.eventually import eventually

ROUTES = Routes(NODE.services).all
CLOSED = {
    "POST /v1/queries",
    "GET /v1/me/file",
    "GET /v1/me/export",
    "GET /v1/public/records",
    "POST /v1/public/searches",
    "POST /v1/screenings",
    "POST /v1/eligibility",
    "GET /v1/designations",
    "GET /v1/tasks",
    "GET /v1/tasks/{task}",
    "POST /v1/tasks/{task}/feedback",
}
"""What says today of somebody what a copy may say. A route is put here, or not, by whoever makes it."""
CLOSE = f"insert into bus.catching_up (peer) values ('{CODE}'); select pg_notify('bus', 'catching_up')"
OPEN = "delete from bus.catching_up; select pg_notify('bus', 'catching_up')"


@pytest.fixture(scope="module")
async def closed(cast: Cast) -> AsyncIterator[Cast]:
    """A cast whose node was put back, and has not heard the node below."""
    behind = peers_behind(cast.node.host.equipment["gateway"])
    async with cast.node.database.session("ddl") as session:
        await session.execute(CLOSE)
        await eventually(lambda: refuses(behind))
        yield cast
        await session.execute(OPEN)
        await eventually(lambda: lets_through(behind))


async def refuses(behind: PeersBehind) -> bool:
    try:
        await behind.check()
    except CatchingUp:
        return True
    return False


async def lets_through(behind: PeersBehind) -> bool:
    return not await refuses(behind)


@pytest.mark.parametrize("route", ROUTES, ids=named)
async def test_a_route_is_refused_if_it_shows_what_copies_say_and_goes_on_if_not(closed: Cast, route: Route):
    answer = await send(closed, route)
    if named(route) not in CLOSED:
        assert answer.status_code != 503, answer.text
        return
    assert is_refusal(answer)
    problem = answer.json()
    assert (answer.status_code, problem["code"], answer.headers["retry-after"]) == (503, "catching_up", "10")
    for detail in (problem["detail"], problem["detail_zh"]):
        assert f"{CODE}/up" in detail
        assert "creditmesh-node peers remove" in detail
    assert (await closed.node.operator().get("/health/ready")).status_code == 200


async def test_who_may_not_call_it_learns_nothing_of_that(closed: Cast):
    for route in ROUTES:
        if named(route) in CLOSED and not route.open:
            assert (await send(closed, route, by=None)).status_code == 401


async def test_every_process_of_the_gateway_knows_and_one_that_begins_before_it_serves(closed: Cast):
    another = replace(closed.node.host.equipment["gateway"], memory={})
    first = asyncio.create_task(peers_behind(another).check())
    await asyncio.sleep(0)
    assert not first.done(), "nobody is let through before it has looked"
    following = asyncio.create_task(follow(another))
    try:
        with pytest.raises(CatchingUp):
            await first
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
