"""A sandbox node as real processes, for the parts that measure one."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import asyncpg
import psutil
from rich.console import Console

from bench import cost
from bench.rows import PARTY
from creditmesh.chassis.database.engine import arguments_of
from creditmesh.node import people
from creditmesh.node.sandbox import Sandbox, SandboxNode, started


@dataclass
class Standing:
    """The running node of this bench, its catalogue published."""

    sandbox: Sandbox

    @property
    def node(self) -> SandboxNode:
        """The node itself."""
        return self.sandbox.nodes["city"]

    @property
    def url(self) -> str:
        """Where its gateway answers."""
        return self.node.url

    @cached_property
    def key(self) -> str:
        """A department's credential."""
        return people.issue_key(self.node.operator, PARTY)

    @property
    def processes(self) -> list[psutil.Process]:
        """The node's own processes."""
        return [psutil.Process(child.process.pid) for child in self.node.children.values()]

    @property
    def postgres(self) -> psutil.Process:
        """The head of PostgreSQL's processes."""
        return psutil.Process(self.sandbox.server.pid)

    def spent(self) -> tuple[float, float]:
        """Seconds of CPU that the node's processes and PostgreSQL have taken so far."""
        return sum(map(cost.seconds, self.processes)), cost.seconds(self.postgres)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[asyncpg.Connection]:
        """A superuser's session in the node's database."""
        url = self.sandbox.server.admin_url.set(database=self.node.settings.node)
        unlimited = {"statement_timeout": "0", "idle_in_transaction_session_timeout": "0"}
        session: asyncpg.Connection = await asyncpg.connect(
            **arguments_of(url, application_name="bench", settings=unlimited)
        )
        try:
            yield session
        finally:
            await session.close()


@contextmanager
def standing(bus: str = "embedded") -> Iterator[Standing]:
    """A node of one process, made anew and taken down."""
    with tempfile.TemporaryDirectory(prefix="creditmesh-bench-") as folder:
        Path(folder).chmod(0o755)  # the server may run as a user of its own
        with started(Path(folder), bus=bus, split=False, console=Console(quiet=True), codes=("city",)) as sandbox:
            yield Standing(sandbox)


async def drained(session: asyncpg.Connection, seconds: float = 60) -> None:
    """Wait until every event was ordered and every reader has passed it."""
    async with asyncio.timeout(seconds):
        while await session.fetchval(_LEFT):  # noqa: ASYNC110 - in the database
            await asyncio.sleep(0.01)


_LEFT = """
    select exists (select from bus.event_queue)
        or exists (select from bus.event_head h join query.reader_position p using (stream, part)
                    where p.number < h.number)
"""
