"""The contract on the bus that is always there."""

from collections.abc import AsyncIterator

import pytest

from tests.contracts.bus.suite import BusContract
from tests.contracts.bus.world import World, opened
from tests.support.postgres import Postgres


class TestEmbedded(BusContract):
    @pytest.fixture
    async def world(self, postgres: Postgres) -> AsyncIterator[World]:
        async with opened(postgres) as world:
            yield world
