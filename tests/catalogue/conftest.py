"""A process that hosts the catalogue alone, on a fresh database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from creditmesh.catalogue import service
from creditmesh.chassis.service import Declaration
from creditmesh.schemas.directory import Directory
from tests.support.node import TestNode, running
from tests.support.postgres import Postgres

ALONE = Declaration(services=(service,), follow="catalogue", followed=Directory)


@pytest.fixture
async def empty(postgres: Postgres, tmp_path: Path) -> AsyncIterator[TestNode]:
    """A node of a test's own, with nothing published."""
    async with running(postgres, tmp_path, declaration=ALONE, catalogue=False) as made:
        yield made


@pytest.fixture
async def stocked(postgres: Postgres, tmp_path: Path) -> AsyncIterator[TestNode]:
    """A node of a test's own, with the shipped catalogue."""
    async with running(postgres, tmp_path, declaration=ALONE) as made:
        yield made


@pytest.fixture(scope="module")
async def shelf(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A node with the shipped catalogue, for tests that only read."""
    async with running(postgres, tmp_path_factory.mktemp("shelf"), declaration=ALONE) as made:
        yield made
