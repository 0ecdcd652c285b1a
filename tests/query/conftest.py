"""The query service on a real database, with an invented catalogue and a day that a test may choose."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import count
from uuid import UUID, uuid4

import httpx
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
from creditmesh.query import events, service
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import AccessRecorded, ChainChanged, RecordChanged, RecordPurged
from creditmesh.schemas.identifiers import SubjectKind
from creditmesh.schemas.pii import Pii
from creditmesh.schemas.rules.identity import Identity
from creditmesh.schemas.rules.numbers import resident_check, uscc_check
from tests.query.samples import a_directory, an_item
from tests.support import bodies
from tests.support.postgres import Database, Postgres

_NUMBERS = count(1)
REAL = datetime(2026, 5, 4, 4, 0, tzinfo=UTC)
TODAY = date(2026, 5, 4)
PARTS = 12
ITEMS = (
    an_item("penalty", by_kind={"natural_person": "authorised"}, designates="black"),
    an_item("licence", by_kind={"natural_person": "sharing"}),
)


@dataclass
class House:
    """One query service: its application, its contexts, and the reader's part played by hand."""

    database: Database
    equipment: Equipment
    mint: Mint
    verifier: Verifier
    number: int = 0

    def follow(self, directory: Directory) -> None:
        """Another catalogue from now on."""
        clock = Clock(lambda: directory.offset_days, real=lambda: REAL)
        self.equipment = replace(self.equipment, followed=directory, clock=clock)

    def on(self, day: date) -> None:
        """Move the legal date."""
        self.equipment.followed.offset_days = (day - TODAY).days

    def context(self, caller: Caller | None = None) -> Context:
        return Context(self.equipment, caller=caller)

    @asynccontextmanager
    async def client(self, caller: Caller = PUBLIC) -> AsyncIterator[httpx.AsyncClient]:
        headers = {} if caller is PUBLIC else {HEADER: self.mint.token(caller, audience="query")}
        transport = httpx.ASGITransport(service_app(self.equipment, self.verifier))
        async with httpx.AsyncClient(transport=transport, base_url="http://query", headers=headers) as client:
            yield client

    async def subject(self, identity: Identity) -> UUID:
        return (await self.equipment.vault.resolve([identity]))[0]

    async def know(self, subject: UUID, kind: SubjectKind) -> None:
        """Ingestion has accepted something of this subject."""
        async with self.database.session() as session:
            await session.execute("select vault.know($1, $2)", [subject], [kind])

    async def load(self, *changes: RecordChanged) -> None:
        """These revisions arrive in one batch."""
        told = [self._delivered(change) for change in changes]
        async with self.database.session() as session:
            await bodies.keep(session, told)
        await self._handle(events.on_record_changed, told)

    async def purge(self, *purged: RecordPurged) -> None:
        """Ingestion has deleted these records."""
        await self._handle(events.on_record_purged, [self._delivered(each) for each in purged])

    async def hear(self, access: AccessRecorded, *, stream: str = "repair") -> None:
        """An access of another service arrives."""
        part, data = part_of(access.key, PARTS), access.model_dump_json().encode()
        told = replace(self._event(part, data), key=access.key, stream=stream)
        await self._handle(events.on_access_recorded, [told])

    async def hear_chain(self, peer: str, *above: str) -> None:
        """It is told who is above by way of that peer."""
        told = ChainChanged(peer=peer, above=above)
        await self._handle(events.on_chain_changed, [self._event(0, told.model_dump_json().encode())])

    async def log_of(self, subject: UUID) -> list[dict]:
        """What the person finds in their log, newest first."""
        async with self.client(person(subject)) as client:
            lines, cursor = [], None
            while True:
                params = {"limit": 2} | ({} if cursor is None else {"cursor": cursor})
                page = (await client.get("/v1/me/accesses", params=params)).raise_for_status().json()
                lines += page["items"]
                if (cursor := page["next"]) is None:
                    return [line for line in lines if line["purpose"] != "own_accesses"]

    async def _handle(self, handler, batch):
        if batch:
            context = self.context()
            try:
                await handler(context, batch)
                await context.commit()
            finally:
                await context.rollback()

    def _delivered(self, change: RecordChanged | RecordPurged) -> Delivered:
        return self._event(part_of(change.key, PARTS), change.model_dump_json().encode())

    def _event(self, part: int, data: bytes) -> Delivered:
        self.number += 1
        return Delivered(
            stream="query", part=part, number=self.number, before=None, id=uuid4(), type="x", version=1, key="k",
            at=REAL, legal_date=TODAY, traceparent=None, data=data,
        )  # fmt: skip


@pytest.fixture(scope="module")
async def house(postgres: Postgres, tmp_path_factory) -> AsyncIterator[House]:
    node, directory = "query1", a_directory(ITEMS)
    declaration = Declaration(services=(service,), follow="query", followed=Directory)

    async def declare(session):
        await declare_streams(session, node=node, streams=streams(declaration))
        await bodies.stand_in(session, node=node, reader="query")

    database = await postgres.database(node=node, parts=PARTS, packages=[service], declare=declare)
    folder = tmp_path_factory.mktemp("keys")
    Keys.create(folder)
    keys = Keys.load(folder, service.keys)
    pool = database.pool("query")
    made = House(
        database=database,
        equipment=Equipment(
            node=Facts(code=node, tier="city", parts=PARTS, sandbox=True),
            service=service,
            pool=pool,
            clock=Clock(lambda: directory.offset_days, real=lambda: REAL),
            vault=Vault(database.pool("query", size=2), keys, parts=PARTS),
            keys=keys,
            followed=directory,
            wake=lambda: None,
            notifications=Notifications(""),
        ),
        mint=Mint(Keys.load(folder, {"token"}).token_key(), node=node),
        verifier=Verifier(keys.token_public_keys(), node=node, audience="query"),
    )
    yield made
    await database.close()


@pytest.fixture
def catalogue(house: House) -> House:
    """The house with its usual catalogue, today."""
    house.follow(a_directory(ITEMS))
    return house


def person(subject: UUID) -> Caller:
    return Caller(
        kind="subject", subject=subject, credential=f"p-{subject}", scopes=frozenset({"me:read", "me:authorise"})
    )


def department(party: str = "permits_office", **more: object) -> Caller:
    values = {"kind": "department", "party": party, "credential": f"k-{party}", "scopes": frozenset({"queries:ask"})}
    return Caller(**(values | more))


def bureau(party: str = "bureau_a", **more: object) -> Caller:
    scopes = frozenset({"queries:ask", "authorisations:write"})
    return Caller(**({"kind": "bureau", "party": party, "credential": f"k-{party}", "scopes": scopes} | more))


def invented_person() -> Identity:
    """Somebody nobody is: the region was never given out."""
    number = next(_NUMBERS)
    first = f"990000{19600101 + number % 28}{number // 28:03d}"
    return Identity(kind="natural_person", document="resident_id", number=Pii(first + resident_check(first)))


def an_organisation() -> Identity:
    first = f"91990000{next(_NUMBERS):09d}"
    return Identity(kind="organisation", document="uscc", number=Pii(first + uscc_check(first)))


def a_trader() -> Identity:
    first = f"92990000{next(_NUMBERS):09d}"
    return Identity(kind="sole_trader", document="uscc", number=Pii(first + uscc_check(first)))


def the_same_as_a_company(trader: Identity) -> Identity:
    """The form of an organisation's code around the same nine characters: the same subject, without a doubt."""
    first = "91" + trader.number.reveal()[2:17]
    return Identity(kind="organisation", document="uscc", number=Pii(first + uscc_check(first)))


def asked_about(identity: Identity) -> dict[str, object]:
    document = {"type": identity.document, "number": identity.number.reveal()}
    return {"kind": identity.kind, "document": document}
