"""The matching service on a real database, with an invented catalogue and a day that a test may choose."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest

from creditmesh.chassis.bus.declare import declare_streams
from creditmesh.chassis.bus.event import Delivered, part_of
from creditmesh.chassis.bus.listen import Notifications
from creditmesh.chassis.caller import PUBLIC, Caller
from creditmesh.chassis.clock import Clock
from creditmesh.chassis.context import Context
from creditmesh.chassis.equipment import Equipment
from creditmesh.chassis.facts import Facts
from creditmesh.chassis.http.app import service_app
from creditmesh.chassis.http.token import HEADER, Mint, Verifier
from creditmesh.chassis.installation import streams
from creditmesh.chassis.service import Declaration
from creditmesh.chassis.vault.keys import Keys
from creditmesh.chassis.vault.subjects import Vault
from creditmesh.matching import events, service
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import AccessRecorded, RecordChanged, RecordPurged, TaskChanged
from creditmesh.schemas.identifiers import SubjectKind
from creditmesh.schemas.pii import Pii
from creditmesh.schemas.rules.identity import Identity
from creditmesh.schemas.rules.numbers import resident_check, uscc_check
from tests.matching.catalogue import TODAY, Catalogue
from tests.support import bodies
from tests.support.postgres import Database, Postgres

_NUMBERS = count(1)
REAL = datetime(2026, 5, 4, 4, 0, tzinfo=UTC)
PARTS = 12
SCOPES = frozenset({"screenings:ask", "tasks:answer"})


@dataclass
class House:
    """One matching service: its application, its contexts, and the reader's part played by hand."""

    database: Database
    equipment: Equipment
    mint: Mint
    verifier: Verifier
    number: int = 0

    @property
    def catalogue(self) -> Catalogue:
        assert isinstance(self.equipment.followed, Catalogue)
        return self.equipment.followed

    @property
    def today(self) -> date:
        return self.equipment.clock.legal_date()

    def follow(self, directory: Catalogue) -> None:
        """Another catalogue from now on, today."""
        clock = Clock(lambda: directory.offset_days, real=lambda: REAL)
        self.equipment = replace(self.equipment, followed=directory, clock=clock)

    def on(self, day: date) -> None:
        """Move the legal date."""
        self.catalogue.offset_days = (day - TODAY).days

    @asynccontextmanager
    async def client(self, caller: Caller = PUBLIC) -> AsyncIterator[httpx.AsyncClient]:
        headers = {} if caller is PUBLIC else {HEADER: self.mint.token(caller, audience="matching")}
        transport = httpx.ASGITransport(service_app(self.equipment, self.verifier))
        async with httpx.AsyncClient(transport=transport, base_url="http://matching", headers=headers) as client:
            yield client

    async def get(self, path: str, caller: Caller | None = None, **params: Any) -> httpx.Response:
        async with self.client(caller or department()) as client:
            return await client.get(path, params=params)

    async def post(self, path: str, body: Any, caller: Caller | None = None, **more: Any) -> httpx.Response:
        async with self.client(caller or department()) as client:
            return await client.post(path, json=body, **more)

    async def subject(self, identity: Identity) -> UUID:
        return (await self.equipment.vault.resolve([identity]))[0]

    async def know(self, subject: UUID, kind: SubjectKind) -> None:
        """Ingestion has accepted something of this subject."""
        async with self.database.session() as session:
            await session.execute("select vault.know($1, $2)", [subject], [kind])

    async def load(self, *changes: RecordChanged) -> None:
        """These revisions arrive in one batch, told on the legal date; ingestion has accepted them."""
        for change in changes:
            async with self.database.session() as session:
                known = await session.fetchval("select true from vault.subject where id = $1", change.subject)
            if known:
                await self.know(change.subject, change.kind)
        told = [self._delivered(change) for change in changes]
        async with self.database.session() as session:
            await bodies.keep(session, told)
        context = Context(self.equipment)
        try:
            await events.on_record_changed(context, told)
            await context.commit()
        finally:
            await context.rollback()

    async def purge(self, *purged: RecordPurged) -> None:
        """Ingestion has deleted these records."""
        context = Context(self.equipment)
        try:
            await events.on_record_purged(context, [self._delivered(each) for each in purged])
            await context.commit()
        finally:
            await context.rollback()

    async def told(self, event: type[Any] = AccessRecorded) -> list[Any]:
        """What the service has told, oldest first."""
        async with self.database.session() as session:
            rows = await session.fetch("select data from bus.event where type = $1 order by id", event.type)
        return [event.model_validate_json(row["data"]) for row in rows]

    async def accesses_of(self, subject: UUID) -> list[AccessRecorded]:
        return [each for each in await self.told() if each.subject == subject]

    async def answers(self) -> list[TaskChanged]:
        return await self.told(TaskChanged)

    async def fetch(self, query: str, *arguments: object) -> list[dict[str, Any]]:
        async with self.database.session() as session:
            return [dict(row) for row in await session.fetch(query, *arguments)]

    def _delivered(self, change: RecordChanged | RecordPurged) -> Delivered:
        self.number += 1
        return Delivered(
            stream="ingestion", part=part_of(change.key, PARTS), number=self.number, before=None, id=uuid4(),
            type=change.type, version=1, key=change.key, at=REAL, legal_date=self.today, traceparent=None,
            data=change.model_dump_json().encode(),
        )  # fmt: skip


async def built(postgres: Postgres, folder: Any, *, node: str) -> House:
    directory = Catalogue()
    declaration = Declaration(services=(service,), follow="matching", followed=Directory)

    async def declare(connection: Any) -> None:
        await declare_streams(connection, node=node, streams=streams(declaration))
        await bodies.stand_in(connection, node=node, reader="matching")

    database = await postgres.database(node=node, parts=PARTS, packages=[service], declare=declare)
    Keys.create(folder)
    keys = Keys.load(folder, service.keys)
    return House(
        database=database,
        equipment=Equipment(
            node=Facts(code=node, tier="city", parts=PARTS, sandbox=True),
            service=service,
            pool=database.pool("matching"),
            clock=Clock(lambda: directory.offset_days, real=lambda: REAL),
            vault=Vault(database.pool("matching", size=2), keys, parts=PARTS),
            keys=keys,
            followed=directory,
            wake=lambda: None,
            notifications=Notifications(database.addresses["bus"]),
        ),
        mint=Mint(Keys.load(folder, {"token"}).token_key(), node=node),
        verifier=Verifier(keys.token_public_keys(), node=node, audience="matching"),
    )


@pytest.fixture(scope="module")
async def built_house(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    made = await built(postgres, tmp_path_factory.mktemp("keys"), node="matching1")
    yield made
    await made.database.close()


@pytest.fixture
async def house(built_house: House) -> House:
    """The service with nothing in it, its usual catalogue, today."""
    built_house.follow(Catalogue())
    async with built_house.database.session() as session:
        await session.execute(
            "truncate matching.standing, matching.discharged, matching.feedback, matching.idempotency, bus.event_queue"
        )
    return built_house


def department(party: str = "permits_office", **more: object) -> Caller:
    values = {"kind": "department", "party": party, "credential": f"k-{party}", "scopes": SCOPES}
    return Caller(**(values | more))


def a_person() -> Identity:
    """Somebody nobody is: the region was never given out."""
    number = next(_NUMBERS)
    first = f"990000{19600101 + number % 28}{number // 28:03d}"
    return Identity(kind="natural_person", document="resident_id", number=Pii(first + resident_check(first)))


def an_organisation() -> Identity:
    first = f"91990000{next(_NUMBERS):09d}"
    return Identity(kind="organisation", document="uscc", number=Pii(first + uscc_check(first)))


def given(identity: Identity) -> dict[str, Any]:
    """A subject as a caller gives it."""
    return {"kind": identity.kind, "document": {"type": identity.document, "number": identity.number.reveal()}}


def lines(answer: httpx.Response) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in answer.content.splitlines()]
