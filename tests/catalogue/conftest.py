"""A process that hosts the catalogue alone, on a fresh database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from creditmesh.catalogue import service
from creditmesh.chassis.bus.declare import declare_streams
from creditmesh.chassis.host import Host
from creditmesh.chassis.http.token import Mint
from creditmesh.chassis.installation import streams
from creditmesh.chassis.service import Declaration
from creditmesh.chassis.settings import NodeSettings
from creditmesh.chassis.vault.keys import Keys
from creditmesh.schemas.directory import Directory
from tests.support.node import TestNode
from tests.support.postgres import Postgres

ALONE = Declaration(services=(service,), follow="catalogue", followed=Directory)


@asynccontextmanager
async def catalogue_node(
    postgres: Postgres, state: Path, *, sandbox: bool = True, declaration: Declaration = ALONE
) -> AsyncIterator[TestNode]:
    async def declare(session):
        await declare_streams(session, node="city", streams=streams(declaration))

    database = await postgres.database(packages=declaration.services, declare=declare)
    settings = NodeSettings(
        node="city", tier="city", parts=database.parts, sandbox=sandbox, state=state, database="given", lease_seconds=5
    )
    Keys.create(settings.secrets / "keys")
    (settings.secrets / "operator").write_text("the operator of a test")
    hosted = [each.name for each in declaration.services]
    host = Host(declaration=declaration, settings=settings, addresses=database.addresses, hosted=hosted)
    mint = Mint(Keys.load(settings.secrets / "keys", ["token"]).token_key(), node="city")
    made = TestNode(host=host, database=database, _mint=mint)
    try:
        await host.open()
        yield made
    finally:
        await made.close()
        await host.stop()
        await database.close()


@pytest.fixture
async def empty(postgres: Postgres, tmp_path: Path) -> AsyncIterator[TestNode]:
    """A node of a test's own, with nothing published."""
    async with catalogue_node(postgres, tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
async def shelf(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A node with the shipped catalogue, for tests that only read."""
    async with catalogue_node(postgres, tmp_path_factory.mktemp("shelf")) as made:
        await made.load_catalogue()
        yield made
