"""Sandbox nodes as real processes, which a test may kill."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cached_property
from pathlib import Path

import asyncpg
import httpx
import orjson
from rich.console import Console

from creditmesh.chassis.database.connecting import connect
from creditmesh.node import people
from creditmesh.node.operator import in_clear
from creditmesh.sandbox.node import SandboxNode
from creditmesh.sandbox.startup import Sandbox, started
from tests.support.rows import ITEM


class Victim:
    """A node of the running sandbox, and how to hurt it."""

    def __init__(self, sandbox: Sandbox, node: SandboxNode) -> None:
        self.sandbox = sandbox
        self.node = node

    @cached_property
    def key(self) -> str:
        """A key of a department of the city."""
        return people.issue_key(self.node.operator, "market_regulation")

    @property
    def url(self) -> str:
        """Where the door is now."""
        return self.node.url

    def kill_process(self, name: str) -> None:
        """SIGKILL one of the node's processes and start it again."""
        children = self.node.children
        children[name].kill()
        children[name] = children[name].restarted()
        children[name].ready()

    def kill_database(self) -> None:
        """SIGKILL the postmaster and start it again."""
        asyncio.run(self.sandbox.server.kill())
        asyncio.run(self.sandbox.server.start())

    def command(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """`creditmesh-node` with these words, as the node's operator would say them."""
        line = [sys.executable, "-m", "creditmesh.node", *words]
        environment = {**os.environ, **self.node.environment, "COLUMNS": "200"}
        return subprocess.run(line, env=environment, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603

    def ask(self, statement: str, *arguments: object) -> object:
        """One value, as the superuser."""
        return asyncio.run(self._ask(statement, *arguments))

    async def _ask(self, statement: str, *arguments: object) -> object:
        async with self.session() as session:
            return await session.fetchval(statement, *arguments)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[asyncpg.Connection]:
        """A session as the superuser, for who asks often."""
        session = await connect(self.sandbox.server.admin.of(self.node.settings.node), application_name="test")
        try:
            yield session
        finally:
            await session.close()


@contextmanager
def victim(state: Path, *, bus: str = "embedded", split: bool = False) -> Iterator[Victim]:
    """A fresh city node with its catalogue."""
    with started(state, bus=bus, split=split, console=Console(quiet=True), codes=("city",)) as sandbox:
        city = Victim(sandbox, sandbox.nodes["city"])
        assert city.key  # made before anything is killed
        yield city


@contextmanager
def chain(state: Path, *, bus: str = "embedded", split: bool = False) -> Iterator[dict[str, Victim]]:
    """Fresh nodes of a city, a province and the nation, enrolled with each other, by their codes."""
    with started(state, bus=bus, split=split, console=Console(quiet=True)) as sandbox:
        nodes = {code: Victim(sandbox, node) for code, node in sandbox.nodes.items()}
        assert nodes["city"].key  # made before anything is killed
        yield nodes


def submit(node: Victim, body: bytes, key: str) -> list[dict] | None:
    """The lines of a whole answer; None if it did not come."""
    headers = {
        "Authorization": f"Bearer {node.key}",
        "Idempotency-Key": key,
        "Content-Type": "application/x-ndjson",
    }
    try:
        where = f"{node.url}/v1/items/{ITEM}/records"
        answer = httpx.post(where, content=body, headers=headers, timeout=60, verify=in_clear())
    except (httpx.TransportError, StopIteration):
        return None
    if answer.status_code != 200:
        assert answer.status_code in {401, 409, 503}, answer.text
        return None
    return [orjson.loads(line) for line in answer.content.splitlines()]


def persist(node: Victim, body: bytes, key: str) -> list[dict]:
    """The lines of the whole answer, sent again until it comes."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        lines = submit(node, body, key)
        if lines is not None:
            return lines
        time.sleep(0.2)
    raise AssertionError("the submission was not taken within two minutes")
