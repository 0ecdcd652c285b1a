"""A whole node inside the test: a fresh database, the real host with its units, callers made at will.

`node.client(service, caller)` speaks to a service's application as the gateway would, with a token of the node's own
key; `node.door()` speaks to the gateway. Nothing listens on a port.
"""

import contextlib
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest

from creditmesh.chassis.bus import embedded, orderer
from creditmesh.chassis.bus.consuming import run
from creditmesh.chassis.bus.declare import declare_streams
from creditmesh.chassis.caller import Caller
from creditmesh.chassis.context import Context
from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.host import Host
from creditmesh.chassis.http.token import HEADER, Mint
from creditmesh.chassis.installation import streams
from creditmesh.chassis.service import Declaration
from creditmesh.chassis.settings import NodeSettings
from creditmesh.chassis.vault.keys import Keys
from creditmesh.node.declaration import NODE
from creditmesh.node.door import door
from creditmesh.node.running import GATEWAY, make_keys
from tests.support.eventually import eventually
from tests.support.postgres import Database, Postgres


def department(party: str, *scopes: str, officer: str | None = None, items: frozenset[str] | None = None) -> Caller:
    """A department's caller with these scopes (all a department may have, if none is named)."""
    everything = ("records:submit", "records:read", "records:change", "reviews:decide", "queries:ask")
    return Caller(
        kind="department",
        party=party,
        officer=officer,
        items=items,
        scopes=frozenset(scopes or everything),
        credential=f"test-{party}",
    )


_QUEUED = "exists (select from bus.event_queue)"
_BEHIND = """exists (
    select from bus.event_head h left join {reader}.reader_position p using (stream, part)
    where h.stream in ({streams}) and h.number > coalesce(p.number, 0))"""


@dataclass(kw_only=True)
class TestNode:
    """The running node of one test."""

    __test__ = False

    host: Host
    database: Database
    _mint: Mint
    _clients: list[httpx.AsyncClient] = field(default_factory=list)

    @contextlib.asynccontextmanager
    async def context(self, service: str, caller: Caller | None = None) -> AsyncIterator[Context]:
        """A context of that service; committed when the block ends well."""
        context = Context(self.host.equipment[service], caller=caller)
        try:
            yield context
            await context.commit()
        finally:
            await context.rollback()

    def client(self, service: str, caller: Caller | None = None) -> httpx.AsyncClient:
        """A client of the service's application; public without a caller."""
        headers = {} if caller is None else {HEADER: self._mint.token(caller, audience=service)}
        return self._client(self.host.apps[service], headers)

    def door(self, token: str | None = None) -> httpx.AsyncClient:
        """A client of the gateway, with a credential or none."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return self._client(self.host.public_app, headers)

    def operator(self) -> httpx.AsyncClient:
        """A client of the second listener, with the operator's secret."""
        secret = (self.host.settings.secrets / "operator").read_text().strip()
        return self._client(self.host.operator_app, {"Authorization": f"Bearer {secret}"})

    async def load_catalogue(self) -> None:
        """Publish the shipped catalogue and sandbox parties, and wait until this process knows them."""

        async def loaded() -> bool:
            answer = await operator.post("/v1/admin/catalogue", json={"folder": None})
            assert answer.status_code in {200, 503}, answer.text
            return answer.status_code == 200

        operator = self.operator()
        await eventually(
            loaded
        )  # a starved process overruns its deadlines: nothing was stored, and it says "try again"
        await self.settled()

    async def move_clock(self, days: int) -> None:
        """Move the sandbox's legal date."""
        answer = await self.operator().post("/v1/admin/clock", json={"offset_days": days})
        assert answer.status_code == 200, answer.text
        await self.settled()

    async def settled(self) -> None:
        """Wait until all that was committed before is ordered, read, and followed, though a test ends its sessions."""
        await eventually(self._has_settled)

    async def _has_settled(self) -> bool:
        try:
            async with self.database.session() as driver:
                await eventually(partial(self.rests, Session(driver)))
            await self.host.replica.caught_up()
        except DatabaseError as error:
            if not error.lost:
                raise
            return False
        return True

    async def rests(self, session: Session) -> bool:
        """Whether nothing waits to be ordered or read: what a reader makes of an event is queued as it moves on."""
        behind = [
            _BEHIND.format(reader=name, streams=", ".join(f"'{stream}'" for stream in owner.streams))
            for name, owner in self.host.readers.consumers.items()
        ]
        return not await session.value(f"select {' or '.join((_QUEUED, *behind))}")

    def _client(self, app: Any, headers: dict[str, str]) -> httpx.AsyncClient:
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://node", headers=headers, timeout=60
        )
        self._clients.append(client)
        return client

    async def close(self) -> None:
        """Close every client."""
        for client in self._clients:
            await client.aclose()


@contextlib.asynccontextmanager
async def running(
    postgres: Postgres,
    state: Path,
    *,
    declaration: Declaration = NODE,
    catalogue: bool = True,
    code: str = "city",
    tier: Literal["city", "province", "nation"] = "city",
    sandbox: bool = True,
    listen: bool = False,
) -> AsyncIterator[TestNode]:
    """A node on a fresh database, its catalogue loaded; `listen`: on free ports of loopback (`node.host.url`).

    Nodes of one code have the same keys in a session, for what the first of them has stored with its catalogue.
    """

    async def declare(connection: Any) -> None:
        await declare_streams(connection, node=code, streams=streams(declaration))

    async def begin(database: Database) -> None:
        async with _running(database, declaration, settings.model_copy(update={"state": first})) as node:
            await node.load_catalogue()

    first = postgres.folder / "nodes" / code
    settings = NodeSettings(
        node=code,
        tier=tier,
        port=0,
        operator_port=0,
        parts=12,
        sandbox=sandbox,
        state=first,
        database="given",
        lease_seconds=5,
    )
    make_keys(settings)
    settings = settings.model_copy(update={"state": state})
    shutil.copytree(first / "secrets", settings.secrets)
    database = await postgres.database(
        node=code,
        tier=tier,
        parts=settings.parts,
        sandbox=sandbox,
        packages=declaration.services,
        declare=declare,
        begin=begin if catalogue else None,
    )
    try:
        async with _running(database, declaration, settings, listen=listen) as made:
            if catalogue:
                await made.settled()
            yield made
    finally:
        await database.close()


@contextlib.asynccontextmanager
async def _running(
    database: Database, declaration: Declaration, settings: NodeSettings, *, listen: bool = False
) -> AsyncIterator[TestNode]:
    host = Host(
        declaration=declaration,
        settings=settings,
        addresses=database.addresses,
        hosted=[service.name for service in declaration.services],
        door=door if any(service.name == GATEWAY for service in declaration.services) else None,
    )
    patched = pytest.MonkeyPatch()
    patched.setattr(orderer, "SECONDS_TO_PEEK", orderer.SECONDS_TO_PEEK_IN_REST)  # nobody else's process queues
    # Who waits until a node rests waits for the events that nobody handles too, of which a node stores once a second
    # that they are passed: each time a second and a half.
    patched.setattr(embedded, "SECONDS_TO_GATHER", 0.02)
    patched.setattr(run, "SECONDS_TO_SETTLE", 0.0)
    keys = Keys.load(settings.secrets / "keys", ["token"])
    node = TestNode(host=host, database=database, _mint=Mint(keys.token_key(), node=settings.node))
    try:
        await (host.start() if listen else host.open())
        yield node
    finally:
        await node.close()
        await node.host.stop()  # another than that which was started here, where a test restored it
        patched.undo()


@pytest.fixture(scope="module")
async def node(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """One node for the tests of a module."""
    async with running(postgres, tmp_path_factory.mktemp("node")) as made:
        yield made
