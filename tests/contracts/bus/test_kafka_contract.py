"""The contract on a real Apache Kafka."""

from collections.abc import AsyncIterator

import pytest

from tests.contracts.bus.kafka_world import KafkaWorld, opened_on
from tests.contracts.bus.suite import BusContract
from tests.support.postgres import Postgres

pytestmark = pytest.mark.kafka


class TestKafka(BusContract):
    @pytest.fixture
    async def world(self, postgres: Postgres, kafka: str) -> AsyncIterator[KafkaWorld]:
        async with opened_on(postgres, kafka) as world:
            yield world
