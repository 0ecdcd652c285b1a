"""A sandbox of one node, or of a chain, as real processes, for the parts that measure it."""

import asyncio
import itertools
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import asyncpg
import psutil
from rich.console import Console

from bench import cost
from bench.rows import PARTY
from creditmesh.chassis.database.connecting import connect
from creditmesh.node import people
from creditmesh.sandbox.chain import CHAIN
from creditmesh.sandbox.node import SandboxNode
from creditmesh.sandbox.startup import Sandbox, started
from creditmesh.schemas.identifiers import NodeCode

Sessions = Mapping[NodeCode, asyncpg.Connection]


@dataclass
class Standing:
    """One running node of this bench, its catalogue published."""

    sandbox: Sandbox
    code: NodeCode = "city"

    def at(self, code: NodeCode) -> "Standing":
        """Another node of the same sandbox."""
        return Standing(self.sandbox, code)

    @property
    def codes(self) -> Sequence[NodeCode]:
        """Its nodes, from the lowest to the highest."""
        return [code for code in CHAIN if code in self.sandbox.nodes]

    @property
    def node(self) -> SandboxNode:
        """The node itself."""
        return self.sandbox.nodes[self.code]

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

    def spent_by_node(self) -> dict[str, float]:
        """Seconds of CPU so far, of each node by its code and of the one `PostgreSQL`."""
        nodes = {code: sum(map(cost.seconds, self.at(code).processes)) for code in self.codes}
        return {**nodes, "PostgreSQL": cost.seconds(self.postgres)}

    @asynccontextmanager
    async def session(self) -> AsyncIterator[asyncpg.Connection]:
        """A superuser's session in the node's database."""
        address = self.sandbox.server.admin.of(self.node.settings.node)
        unlimited = {"statement_timeout": "0", "idle_in_transaction_session_timeout": "0"}
        session = await connect(address, application_name="bench", settings=unlimited, seconds_to_answer=None)
        try:
            yield session
        finally:
            await session.close()

    @asynccontextmanager
    async def sessions(self) -> AsyncIterator[Sessions]:
        """A superuser's session in the database of every node."""
        async with AsyncExitStack() as stack:
            yield {code: await stack.enter_async_context(self.at(code).session()) for code in self.codes}


@contextmanager
def standing(bus: str = "embedded", codes: Sequence[NodeCode] = ("city",)) -> Iterator[Standing]:
    """Nodes of one process each, made anew and taken down; the lowest of them."""
    with tempfile.TemporaryDirectory(prefix="creditmesh-bench-") as folder:
        Path(folder).chmod(0o755)  # the server may run as a user of its own
        with started(Path(folder), bus=bus, split=False, console=Console(quiet=True), codes=codes) as sandbox:
            yield Standing(sandbox, codes[0])


async def drained(session: asyncpg.Connection, seconds: float = 60) -> None:
    """Wait until every event was ordered and every reader of the read models has passed it."""
    async with asyncio.timeout(seconds):
        while await session.fetchval(_LEFT):  # noqa: ASYNC110 - in the database
            await asyncio.sleep(0.01)


async def chain_drained(sessions: Sessions, seconds: float = 120) -> None:
    """Wait until every node has pulled and applied all that those below it have, and these know of it."""
    async with asyncio.timeout(seconds):
        while await left(sessions):  # noqa: ASYNC110 - in the databases
            await asyncio.sleep(0.02)


async def left(sessions: Sessions) -> str | None:
    """The first thing that a chain has still to do, in words; None if there is nothing."""
    codes = [code for code in CHAIN if code in sessions]
    for place, code in enumerate(codes):
        session = sessions[code]
        if await session.fetchval(_QUEUED):
            return f"{code}: events to order"
        if (behind := await lags(session)) and any(behind.values()):
            return f"{code}: {behind}"
        size = await session.fetchval(_FEED) or 0
        for above in codes[place + 1 :]:
            if (await session.fetchval(_REACHED, above) or 0) < size:
                return f"{code}: the answer of {above}"
    return None


async def copies_behind(sessions: Sessions) -> dict[str, int]:
    """How many entries each node has still to pull of the feed of the one below."""
    codes = [code for code in CHAIN if code in sessions]
    return {
        f"copy of {below} at {above}": (await sessions[below].fetchval(_FEED) or 0)
        - (await sessions[above].fetchval(_COPIED, below) or 0)
        for below, above in itertools.pairwise(codes)
    }


async def lags(session: asyncpg.Connection) -> dict[str, int]:
    """How many events each reader of a node is behind the heads of its streams."""
    readers = [row["schema"] for row in await session.fetch(_READERS)]
    return {reader: await session.fetchval(_BEHIND.format(reader=reader)) for reader in readers}


_LEFT = """
    select exists (select from bus.event_queue)
        or exists (select from bus.event_head h join query.reader_position p using (stream, part)
                    where p.number < h.number)
"""
_QUEUED = "select exists (select from bus.event_queue)"
_COPIED = "select size from exchange.copy_head where peer = $1 and feed = 'up'"
_READERS = "select schemaname as schema from pg_tables where tablename = 'reader_position' order by 1"
_BEHIND = """
    select coalesce(sum(h.number - p.number), 0)::int
      from bus.event_head h join {reader}.reader_position p using (stream, part)
"""
_FEED = "select size from exchange.feed_head where feed = 'up'"
_REACHED = "select max(upper(applied + refused)) from exchange.answer where feed = 'up' and node = $1"
