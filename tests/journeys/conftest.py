"""What journeys share: logs as the node writes them, databases, and a cast with its belongings at a whole node."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from creditmesh.chassis import logs
from creditmesh.chassis.bus.declare import declare_streams
from creditmesh.chassis.installation import streams
from creditmesh.node.declaration import NODE
from tests.exchange.conftest import neighbour, row_of
from tests.journeys.below import with_a_node_below
from tests.journeys.mesh import Mesh
from tests.journeys.mesh import assembled as everywhere
from tests.journeys.stored import Stored
from tests.support.cast import Cast, assembled, with_belongings
from tests.support.chain import TWO_CITIES, chained
from tests.support.node import TestNode
from tests.support.postgres import Database, Postgres


@pytest.fixture(autouse=True, scope="session")
def logged() -> None:
    """Lines as the node writes them, not the library's own rendering, which shows every local variable."""
    logs.set_up("debug", node="city", process="test")


@pytest.fixture(scope="module")
async def database(postgres: Postgres) -> AsyncIterator[Database]:
    """The database of a whole node in which nothing has happened yet."""

    async def declare(connection: Any) -> None:
        await declare_streams(connection, node="city", streams=streams(NODE))

    made = await postgres.database(packages=NODE.services, declare=declare)
    yield made
    await made.close()


@pytest.fixture(scope="module")
async def cast(node: TestNode, tmp_path_factory: pytest.TempPathFactory) -> Cast:
    """Everybody, each with something of their own, and a node below."""
    cast = await with_belongings(await assembled(node))
    return await with_a_node_below(cast, tmp_path_factory.mktemp("district"))


@pytest.fixture(scope="module")
async def stored(cast: Cast) -> AsyncIterator[Stored]:
    """What the node of the cast has stored."""
    async with cast.node.database.session() as session:
        yield await Stored.of(session)


@pytest.fixture(scope="module")
async def operated(cast: Cast, tmp_path_factory: pytest.TempPathFactory) -> Cast:
    """The cast, and a peer's row as its operator handed it over."""
    keys = neighbour("town", tmp_path_factory.mktemp("town")).keys
    cast.ids["peer"] = json.dumps(row_of("town", keys, place="below", order=791, sends_for=["town"]))
    return cast


@pytest.fixture(scope="module")
async def mesh(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    """A nation with two provinces, one with two cities, and who plays there; for the tests of a module."""
    async with chained(postgres, tmp_path_factory.mktemp("chain"), *TWO_CITIES) as chain:
        yield await everywhere(chain)
