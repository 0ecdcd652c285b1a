"""A service of toys on a real database, as the host would equip it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest

from creditmesh.chassis import logs
from creditmesh.chassis.bus.declare import declare_streams
from creditmesh.chassis.bus.listen import Notifications
from creditmesh.chassis.caller import Caller
from creditmesh.chassis.clock import Clock
from creditmesh.chassis.context import Context
from creditmesh.chassis.database.address import DatabaseAddress
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.equipment import Equipment
from creditmesh.chassis.facts import Facts
from creditmesh.chassis.http.app import operator_app, service_app
from creditmesh.chassis.http.token import HEADER, Mint, Verifier
from creditmesh.chassis.installation import streams
from creditmesh.chassis.service import Declaration
from creditmesh.chassis.vault.keys import Keys
from creditmesh.chassis.vault.subjects import Vault
from creditmesh.schemas.directory import Directory
from tests.chassis import toys
from tests.chassis.sample import OTHER, SAMPLE
from tests.support.postgres import Database, Postgres

OPERATORS_SECRET = "the operator of the toys"
DEPARTMENT = Caller(kind="department", party="dept.toys", scopes=frozenset({"records:submit"}), credential="k1")


@dataclass
class Nursery:
    """The toys, their database, and callers of every kind."""

    database: Database
    equipment: Equipment
    mint: Mint
    verifier: Verifier

    @property
    def app(self) -> Any:
        return service_app(self.equipment, self.verifier)

    def client(self, caller: Caller | None = None, *, app: Any = None) -> httpx.AsyncClient:
        headers = {} if caller is None else {HEADER: self.mint.token(caller, audience="toy")}
        transport = httpx.ASGITransport(app or self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://toys", headers=headers)

    def operator(self, secret: str = OPERATORS_SECRET) -> httpx.AsyncClient:
        app = operator_app(self.equipment, OPERATORS_SECRET)
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://toys", headers={"Authorization": f"Bearer {secret}"}
        )

    def context(self, caller: Caller | None = DEPARTMENT) -> Context:
        return Context(self.equipment, caller=caller)

    @asynccontextmanager
    async def committed(self, caller: Caller | None = DEPARTMENT) -> AsyncIterator[Context]:
        context = self.context(caller)
        try:
            yield context
            await context.commit()
        finally:
            await context.rollback()

    async def marked(self, id: UUID) -> bool:
        """Whether the mark is there, for another session than the one that made it."""
        async with self.database.session() as session:
            return bool(await session.fetchval("select true from toy.mark where id = $1", id))

    async def emitted(self, key: UUID) -> int:
        """How many events of that key were committed, each with its queue row or its number."""
        async with self.database.session() as session:
            return int(
                await session.fetchval(
                    "select count(*) from bus.event e join bus.event_queue q on q.event = e.id where e.key = $1",
                    str(key),
                )
            )


@pytest.fixture(scope="module")
async def pool(postgres: Postgres) -> AsyncIterator[Pool]:
    """A pool of the sample service, in a database of its own."""
    database = await postgres.database(packages=(SAMPLE, OTHER), parts=3)
    yield database.pool("sample", size=5)
    await database.close()


@pytest.fixture(scope="module")
async def nursery(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Nursery]:
    declaration = Declaration(services=(toys.service,), follow="toy", followed=Directory)

    async def declare(session: Session) -> None:
        await declare_streams(session, node="city", streams=streams(declaration))

    database = await postgres.database(packages=(toys.service,), declare=declare)
    folder = tmp_path_factory.mktemp("keys")
    Keys.create(folder)
    keys = Keys.load(folder, toys.service.keys)
    pool = database.pool("toy")
    yield Nursery(
        database=database,
        equipment=Equipment(
            node=Facts(code="city", tier="city", parts=database.parts, sandbox=True),
            service=toys.service,
            pool=pool,
            clock=Clock(),
            vault=Vault(pool, keys, parts=database.parts, allowed=frozenset()),
            keys=keys,
            followed=Directory(),
            wake=lambda: None,
            notifications=Notifications(DatabaseAddress(dsn="postgresql://nowhere")),
        ),
        mint=Mint(Keys.load(folder, {"token"}).token_key(), node="city"),
        verifier=Verifier(keys.token_public_keys(), node="city", audience="toy"),
    )
    await database.close()


@pytest.fixture(autouse=True, scope="session")
def logged() -> None:
    """Lines as the node writes them, not the library's own rendering, which shows every local variable."""
    logs.set_up("debug", node="city", process="test")


@pytest.fixture(autouse=True)
def nothing_between():
    """Whatever a test does between handler and commit ends with it."""
    yield
    toys.before_the_end.clear()
