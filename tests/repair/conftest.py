"""The repair service on a real database, with an invented catalogue and a day that a test may choose."""

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
from creditmesh.chassis.caller import Caller
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
from creditmesh.repair import service
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import HolderChanged, RecordChanged
from creditmesh.schemas.pii import Pii
from creditmesh.schemas.rules.identity import Identity
from creditmesh.schemas.rules.numbers import resident_check
from tests.repair.samples import a_catalogue, a_holder, a_record
from tests.support import bodies
from tests.support.postgres import Database, Postgres

REAL = datetime(2026, 5, 11, 4, 0, tzinfo=UTC)
TODAY = date(2026, 5, 11)
PARTS = 12
_NUMBERS = count(1)
PDF = b"%PDF-1.7\ninvented\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR invented IEND\xaeB`\x82"
JPEG = b"\xff\xd8\xff\xe0 invented \xff\xd9"


def person(subject: UUID) -> Caller:
    scopes = frozenset({"me:read", "cases:file"})
    return Caller(kind="subject", subject=subject, credential=f"p-{subject}", scopes=scopes)


def department(party: str = "market", **more: Any) -> Caller:
    values = {"officer": "Officer Qin", "credential": f"k-{party}", "scopes": frozenset({"cases:handle"})} | more
    return Caller(kind="department", party=party, **values)


def office(**more: Any) -> Caller:
    values = {"officer": "Reviewer Lan", "credential": "k-office", "scopes": frozenset({"cases:handle"})} | more
    return Caller(kind="office", party="credit_office", **values)


@dataclass
class House:
    """One repair service: its application, and the reader's part played by hand."""

    database: Database
    equipment: Equipment
    mint: Mint
    verifier: Verifier
    other_vault: Vault
    number: int = 0
    told: int = 0

    def follow(self, directory: Directory) -> None:
        """Another catalogue from now on."""
        clock = Clock(lambda: directory.offset_days, real=lambda: REAL)
        self.equipment = replace(self.equipment, followed=directory, clock=clock)

    def on(self, day: date) -> None:
        """Move the legal date."""
        self.equipment.followed.offset_days = (day - TODAY).days

    @asynccontextmanager
    async def client(self, caller: Caller) -> AsyncIterator[httpx.AsyncClient]:
        headers = {HEADER: self.mint.token(caller, audience="repair")}
        transport = httpx.ASGITransport(service_app(self.equipment, self.verifier))
        async with httpx.AsyncClient(transport=transport, base_url="http://repair", headers=headers) as client:
            yield client

    async def get(self, path: str, caller: Caller, **params: Any) -> httpx.Response:
        async with self.client(caller) as client:
            return await client.get(path, params=params)

    async def subject(self) -> UUID:
        """Somebody nobody is: the region was never given out."""
        number = next(_NUMBERS)
        first = f"990000{19600101 + number % 28}{number // 28:03d}"
        identity = Identity(kind="natural_person", document="resident_id", number=Pii(first + resident_check(first)))
        return (await self.other_vault.resolve([identity]))[0]

    async def record(self, **more: Any) -> RecordChanged:
        """A record of a new subject, as repair learns of it."""
        record = a_record(**({"subject": await self.subject()} | more))
        await self.hear(record)
        return record

    async def hear(self, *changes: RecordChanged | HolderChanged) -> None:
        """These events arrive, each run in one batch."""
        context = Context(self.equipment)
        for kind, handler in service.handles.items():
            batch = [self._delivered(change) for change in changes if isinstance(change, kind)]
            if batch:
                async with self.database.session() as session:
                    await bodies.keep(session, batch)
                try:
                    await handler(context, batch)
                    await context.commit()
                finally:
                    await context.rollback()

    async def next_revision(self, record: RecordChanged, change: str, **more: Any) -> RecordChanged:
        """The record's next revision arrives, by that change."""
        state = {"repaired": "repaired", "withdrawn": "withdrawn"}.get(change, "published")
        values = record.model_dump() | {"rev": record.rev + 1, "revision": uuid4(), "change": change, "state": state}
        revision = RecordChanged.model_validate(values | {"case": None, "reason": None} | more)
        await self.hear(revision)
        return revision

    async def file(self, record: RecordChanged, kind: str = "repair", *, key: str | None = None, **more: Any):
        """The record's subject files a case."""
        body = {"kind": kind, "record": str(record.record), "statement": "罚款已缴清，违法行为已改正。"} | more
        async with self.client(person(record.subject)) as client:
            return await client.post("/v1/cases", json=body, headers={} if key is None else {"Idempotency-Key": key})

    async def filed(self, record: RecordChanged, kind: str = "repair", **more: Any) -> str:
        answer = await self.file(record, kind, **more)
        assert answer.status_code == 201, answer.text
        return answer.json()["case"]

    async def add(
        self, case: str, subject: UUID, kind: str, content: bytes | None = None, media: str = "application/pdf"
    ) -> httpx.Response:
        content = PDF + kind.encode() if content is None else content
        async with self.client(person(subject)) as client:
            return await client.post(
                f"/v1/cases/{case}/evidence", params={"kind": kind}, content=content, headers={"Content-Type": media}
            )

    async def with_documents(self, case: str, subject: UUID) -> None:
        for kind in ("proof", "commitment"):
            assert (await self.add(case, subject, kind)).status_code == 201

    async def act(
        self, case: str, caller: Caller, action: str, *, etag: str | None = None, key: str | None = None, **more: Any
    ) -> httpx.Response:
        """Take a step, on the case as it stands unless an ETag is named."""
        if etag is None:
            etag = f'"{await self.steps(case)}"'
        headers = {"If-Match": etag} | ({} if key is None else {"Idempotency-Key": key})
        async with self.client(caller) as client:
            return await client.post(f"/v1/cases/{case}/actions", json={"action": action} | more, headers=headers)

    async def acted(self, case: str, caller: Caller, action: str, **more: Any) -> dict[str, Any]:
        answer = await self.act(case, caller, action, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def steps(self, case: str) -> int:
        async with self.database.session() as session:
            return await session.fetchval("select steps from repair.case where id = $1", case)

    async def emitted(self, type_: str) -> list[dict[str, Any]]:
        """What was told with that type, oldest first."""
        async with self.database.session() as session:
            rows = await session.fetch("select data from bus.event where type = $1 order by id", type_)
        return [orjson.loads(row["data"]) for row in rows]

    async def told_of(self, case: str) -> list[dict[str, Any]]:
        return [data for data in await self.emitted("case.changed") if data["case"] == case]

    async def accesses_of(self, subject: UUID) -> list[dict[str, Any]]:
        return [data for data in await self.emitted("access.recorded") if data["subject"] == str(subject)]

    async def holder(self, record: RecordChanged, rev: int, **more: Any) -> None:
        await self.hear(a_holder(record, rev, **more))

    def _delivered(self, change: RecordChanged | HolderChanged) -> Delivered:
        self.number += 1
        return Delivered(
            stream="ingestion", part=part_of(change.key, PARTS), number=self.number, before=None,
            id=_event_id(change),
            type=change.type, version=1, key=change.key, at=REAL, legal_date=TODAY, traceparent=None,
            data=change.model_dump_json().encode(),
        )  # fmt: skip


def _event_id(change: RecordChanged | HolderChanged) -> UUID:
    """As ingestion gives it: the first revision's is the record's."""
    if not isinstance(change, RecordChanged):
        return uuid4()
    return change.record if change.rev == 1 else change.revision


@pytest.fixture(scope="module")
async def built_house(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    node, directory = "city", a_catalogue()
    declaration = Declaration(services=(service,), follow="repair", followed=Directory)

    async def declare(session: Any) -> None:
        await declare_streams(session, node=node, streams=streams(declaration))
        await bodies.stand_in(session, node=node, reader="repair")

    database = await postgres.database(node=node, parts=PARTS, packages=[service], declare=declare)
    folder = tmp_path_factory.mktemp("keys")
    Keys.create(folder)
    keys = Keys.load(folder, service.keys)
    made = House(
        database=database,
        equipment=Equipment(
            node=Facts(code=node, tier="city", parts=PARTS, sandbox=True),
            service=service,
            pool=database.pool("repair"),
            clock=Clock(lambda: directory.offset_days, real=lambda: REAL),
            vault=Vault(database.pool("repair", size=2), keys, parts=PARTS, allowed=service.vault),
            keys=keys,
            followed=directory,
            wake=lambda: None,
            notifications=Notifications(""),
        ),
        mint=Mint(Keys.load(folder, {"token"}).token_key(), node=node),
        verifier=Verifier(keys.token_public_keys(), node=node, audience="repair"),
        other_vault=Vault(database.pool("ddl", size=1), Keys.load(folder, {"index", "data"}), parts=PARTS),
    )
    yield made
    await database.close()


@pytest.fixture
async def house(built_house: House) -> House:
    """The service with its usual catalogue, today."""
    built_house.follow(a_catalogue())
    return built_house
