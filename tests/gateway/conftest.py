"""The node around the door."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from creditmesh.gateway import service
from tests.gateway.standing import Standing
from tests.support.postgres import Postgres


@pytest.fixture(scope="module")
async def standing(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Standing]:
    database = await postgres.database(packages=(service,))
    folder: Path = tmp_path_factory.mktemp("keys")
    made = Standing(database, folder)
    yield made
    await made.close()
