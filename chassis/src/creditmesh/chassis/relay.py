"""The relay: the process that holds the publisher and nothing else, because a send in doubt ends it.

It has a second listener like every process. Whoever runs a node starts it again when it ends with `publisher.EXIT`.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import URL, text
from sqlalchemy.exc import SQLAlchemyError

from creditmesh.chassis.bus.publisher import Publisher
from creditmesh.chassis.database.engine import engine
from creditmesh.chassis.database.migrations import Facts, assert_same, facts_of
from creditmesh.chassis.http.operator import second_listener
from creditmesh.chassis.http.server import Listener
from creditmesh.chassis.settings import NodeSettings
from creditmesh.chassis.units import Unit, Units


@dataclass(kw_only=True)
class Relay:
    """One relay process, from `start` to `stop`."""

    settings: NodeSettings
    publisher: Publisher
    database: URL
    """The address of the role `<node>_bus`."""
    hosted: Sequence[str] = ()
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def start(self) -> None:
        """Look whether the database is this node's, publish, and listen for its operator alone."""
        self._pool = engine(self.database, application_name=f"{self.settings.node}/relay", pool_size=1)
        self._stack.push_async_callback(self._pool.dispose)
        await self._check()
        units = Units([Unit("publisher", self.publisher.run)])
        units.start()
        self._stack.push_async_callback(units.stop)
        settings = self.settings
        listener = Listener(
            second_listener(self.readiness, []),
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
        try:
            async with self._pool.connect() as connection:
                await connection.execute(text("select 1"))
            database = "ok"
        except (SQLAlchemyError, OSError, TimeoutError):
            database = "unreachable"
        return {
            "ready": database == "ok" and self.publisher.state != "connecting",
            "node": self.settings.node,
            "database": database,
            "bus": {"kind": self.settings.bus.kind, "publisher": self.publisher.state},
        }

    async def _check(self) -> None:
        settings = self.settings
        async with self._pool.connect() as connection:
            found = await facts_of(connection)
        if found is None:
            raise SystemExit("the database is not a node yet: run `creditmesh-node migrate` first")
        assert_same(found, Facts(code=settings.node, tier=settings.tier, parts=settings.parts))
