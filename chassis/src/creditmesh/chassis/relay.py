"""The relay: the process that holds the publisher and nothing else, because an uncertain send ends it.

It has a second listener like every process. Whoever runs a node starts it again when it ends with `publisher.EXIT`.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from creditmesh.chassis.bus.kafka.publisher import Publisher
from creditmesh.chassis.clock import Clock
from creditmesh.chassis.database.address import DatabaseAddress
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.database.versions import assert_node
from creditmesh.chassis.http.documents import operators_document
from creditmesh.chassis.http.health import OnceASecond
from creditmesh.chassis.http.operator import second_listener
from creditmesh.chassis.http.server.listener import HttpListener
from creditmesh.chassis.settings import NodeSettings
from creditmesh.chassis.units import Unit, Units


@dataclass(kw_only=True)
class Relay:
    """One relay process, from `start` to `stop`."""

    settings: NodeSettings
    publisher: Publisher
    database: DatabaseAddress
    """The address of the role `<node>_relay`."""
    hosted: Sequence[str] = ()
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def start(self) -> None:
        """Look whether the database is this node's, publish, and listen for its operator alone."""
        self._pool = Pool(self.database, application_name=f"{self.settings.node}/relay", size=1)
        self._stack.push_async_callback(self._pool.close)
        async with self._pool.session() as session:
            await assert_node(session, self.settings.facts)
        units = Units([Unit("publisher", self.publisher.run)])
        units.start()
        self._stack.push_async_callback(units.stop)
        settings = self.settings
        listener = HttpListener(
            second_listener(
                OnceASecond(self.readiness),
                [],
                document=partial(operators_document, (), code=settings.node),
                today=Clock().legal_date,
            ),
            host=settings.operator_host,
            port=settings.operator_port,
            drain_seconds=settings.drain_seconds,
        )
        await listener.start()
        self._stack.push_async_callback(listener.drain)
        self.url = self.operator_url = listener.url

    async def stop(self) -> None:
        """End in good order: what was sent is acknowledged or will be sent again."""
        await self._stack.aclose()

    async def readiness(self) -> dict[str, Any]:
        """Whether it publishes, or stands by for another that does."""
        reached = await self._pool.answers()
        return {
            "ready": reached and self.publisher.state != "connecting",
            "node": self.settings.node,
            "database": "ok" if reached else "unreachable",
            "bus": {"kind": self.settings.bus.kind, "publisher": self.publisher.state},
        }
