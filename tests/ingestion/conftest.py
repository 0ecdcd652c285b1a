"""The ingestion service on a real database, with the shipped catalogue and a day that a test may choose."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import count, groupby
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest

from creditmesh.catalogue import service as catalogue
from creditmesh.chassis.bus.declare import declare_streams
from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.bus.listen import Notifications
from creditmesh.chassis.caller import PUBLIC, Caller
from creditmesh.chassis.clock import Clock
from creditmesh.chassis.context import Context
from creditmesh.chassis.equipment import Equipment
from creditmesh.chassis.facts import Facts
from creditmesh.chassis.http.app import service_app
from creditmesh.chassis.http.token import HEADER, Mint, Verifier
from creditmesh.chassis.installation import streams
from creditmesh.chassis.packing import unpack
from creditmesh.chassis.service import Declaration
from creditmesh.chassis.vault.keys import Keys
from creditmesh.chassis.vault.subjects import Vault
from creditmesh.ingestion import service
from creditmesh.schemas.catalogue import Party
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import EntriesJudged, Event, RecordChanged
from creditmesh.schemas.events.catalogue import CatalogueChanged
from tests.ingestion.pages import SentEntry, pages
from tests.ingestion.rows import TODAY, code_sets, items, lists, parties, rules, uscc
from tests.support.postgres import Database, Postgres

REAL = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
PARTS = 12
PENALTY = "administrative_penalty"
SCOPES = frozenset({"records:submit", "records:read", "records:change", "reviews:decide"})


def department(party: str = "market_regulation", **more: object) -> Caller:
    values: dict[str, Any] = {"kind": "department", "party": party, "credential": f"k-{party}", "scopes": SCOPES}
    return Caller(**(values | more))


MARKET_CALLER = department()
OFFICER = department(officer="W-17", credential="officer")
OFFICE = Caller(kind="office", party="credit_office", officer="O-1", credential="office", scopes=SCOPES)


@dataclass(frozen=True)
class _Told:
    number: int
    type: str
    data: bytes
    part: int = 0


class Catalogue(Directory):
    """The shipped catalogue, as events tell it; more of it may be told later."""

    def __init__(self) -> None:
        super().__init__()
        for kind, bodies in (
            ("code_set", code_sets()),
            ("list", lists()),
            ("item", items()),
            ("party", parties()),
        ):
            for body in bodies.values():
                self.tell(kind, body)
        for rule in rules():
            self.tell("rule", rule)

    def tell(
        self, kind: Any, body: Any, *, state: Any = "published", number: int = 1, effective: date | None = None
    ) -> None:
        change = CatalogueChanged(
            kind=kind,
            code=body.code,
            number=number,
            state=state,
            effective=effective or (date(2000, 1, 1) if number == 1 and state == "published" else TODAY),
            body=body.model_dump(mode="json"),
        )
        self.apply(_Told(self.number + 1, CatalogueChanged.type, change.model_dump_json().encode()))


@dataclass
class House:
    """One ingestion service: its application, its contexts, and a look into its tables."""

    database: Database
    equipment: Equipment
    mint: Mint
    verifier: Verifier
    numbers: count = field(default_factory=lambda: count(1))

    def number(self) -> int:
        """A number no other test of the module uses."""
        return next(self.numbers)

    def on(self, day: date) -> None:
        """Move the legal date."""
        self.equipment.followed.offset_days = (day - TODAY).days

    @asynccontextmanager
    async def context(self, caller: Caller | None = MARKET_CALLER) -> AsyncIterator[Context]:
        context = Context(self.equipment, caller=caller)
        try:
            yield context
            await context.commit()
        finally:
            await context.rollback()

    @asynccontextmanager
    async def client(self, caller: Caller = MARKET_CALLER) -> AsyncIterator[httpx.AsyncClient]:
        headers = {} if caller is PUBLIC else {HEADER: self.mint.token(caller, audience="ingestion")}
        transport = httpx.ASGITransport(service_app(self.equipment, self.verifier))
        async with httpx.AsyncClient(transport=transport, base_url="http://node", headers=headers) as client:
            yield client

    async def submit(self, body: Any, *, caller: Caller = MARKET_CALLER, item: str = PENALTY, **more: Any):
        """POST rows: a dict as one object, a list as NDJSON, bytes as they are (name a content type)."""
        headers = dict(more.pop("headers", {}))
        if key := more.pop("key", None):
            headers["Idempotency-Key"] = key
        if isinstance(body, list):
            body, kind = b"\n".join(map(orjson.dumps, body)), "application/x-ndjson"
        elif isinstance(body, dict):
            body, kind = orjson.dumps(body), "application/json"
        else:
            kind = more.pop("kind", "application/json")
        async with self.client(caller) as client:
            return await client.post(
                f"/v1/items/{item}/records", content=body, headers={"Content-Type": kind, **headers}, params=more
            )

    async def deliver(self, *arrived: SentEntry | Event) -> None:
        """These arrive in one transaction, each run of one type as one batch; entries in as few pages as can be."""
        async with self.context(None) as ctx:
            for kind, run in groupby(arrived, key=type):
                events: list[Any] = [*run]
                events = pages(events) if kind is SentEntry else events
                await service.handles[type(events[0])](ctx, [self._delivered(each) for each in events])

    def _delivered(self, event: Event) -> Delivered:
        return Delivered(
            stream="exchange", part=0, number=self.number(), before=None, id=uuid4(), type=event.type, version=1,
            key=event.key, at=REAL, legal_date=self.equipment.clock.legal_date(), traceparent=None,
            data=event.model_dump_json().encode(),
        )  # fmt: skip

    async def judged(self) -> list[EntriesJudged]:
        """Everything that peers' feeds were answered, oldest first."""
        rows = await self.fetch("select data from bus.event where type = 'entries.judged' order by id")
        return [EntriesJudged.model_validate_json(row["data"]) for row in rows]

    async def fetch(self, query: str, *arguments: object) -> list[dict[str, Any]]:
        async with self.database.session() as session:
            return [dict(row) for row in await session.fetch(query, *arguments)]

    async def events(self, record: str | UUID) -> list[RecordChanged]:
        """What was told of a record, oldest first."""
        rows = await self.fetch("select data from ingestion.revision where record = $1 order by rev", record)
        return [RecordChanged.model_validate_json(unpack(row["data"])) for row in rows]

    async def count(self) -> tuple[int, ...]:
        """Everything that a request could have stored: revisions, queue, reviews, submissions, keys."""
        (row,) = await self.fetch(
            "select (select count(*) from ingestion.revision) r, (select count(*) from bus.event_queue) q,"
            " (select count(*) from ingestion.review) v, (select count(*) from ingestion.submission) s,"
            " (select count(*) from ingestion.submission_chunk) c, (select count(*) from ingestion.idempotency) i"
        )
        return tuple(row.values())

    async def accesses(self) -> list[dict[str, Any]]:
        rows = await self.fetch("select data from bus.event where type = 'access.recorded' order by id")
        return [orjson.loads(row["data"]) for row in rows]


def told(answer: httpx.Response) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The verdicts of a bulk answer and its receipt."""
    assert answer.status_code == 200, answer.text
    *verdicts, last = [orjson.loads(line) for line in answer.content.splitlines()]
    return verdicts, orjson.loads(last["receipt"]["signed"])


async def built(postgres: Postgres, folder: Path, *, node: str = "city") -> House:
    directory = Catalogue()
    declaration = Declaration(services=(catalogue, service), follow="catalogue", followed=Directory)

    async def declare(connection: Any) -> None:
        await declare_streams(connection, node=node, streams=streams(declaration))

    database = await postgres.database(node=node, parts=PARTS, packages=[catalogue, service], declare=declare)
    async with database.session() as session:  # nobody orders its events, and intake stops where they grow old
        await session.execute(
            "alter table bus.event_queue alter column at set default clock_timestamp() + interval '1 day'"
        )
    Keys.create(folder)
    keys = Keys.load(folder, service.keys)
    return House(
        database=database,
        equipment=Equipment(
            node=Facts(code=node, tier="city", parts=PARTS, sandbox=True),
            service=service,
            pool=database.pool("ingestion"),
            clock=Clock(lambda: directory.offset_days, real=lambda: REAL),
            vault=Vault(database.pool("ingestion", size=2), keys, parts=PARTS),
            keys=keys,
            followed=directory,
            wake=lambda: None,
            notifications=Notifications(""),
        ),
        mint=Mint(Keys.load(folder, {"token"}).token_key(), node=node),
        verifier=Verifier(keys.token_public_keys(), node=node, audience="ingestion"),
    )


@pytest.fixture(scope="module")
async def built_house(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    made = await built(postgres, tmp_path_factory.mktemp("keys"))
    yield made
    await made.database.close()


@pytest.fixture
async def house(built_house: House) -> House:
    """The service, today; nobody reads its events, so they are taken out of the way of intake."""
    built_house.on(TODAY)
    async with built_house.database.session() as session:
        await session.execute("delete from bus.event_queue")
    return built_house


def child(code: str, number: int, *, sends_for: tuple[str, ...], **more: object) -> Party:
    """The row of a node below."""
    values: dict[str, Any] = {
        "code": code,
        "name": code,
        "name_zh": code,
        "kind": "node",
        "uscc": uscc(number, head="12"),
    }
    return Party(**(values | {"place": "below", "sends_for": sends_for} | more))


@pytest.fixture(scope="module")
async def built_province(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    made = await built(postgres, tmp_path_factory.mktemp("keys"), node="province")
    directory = made.equipment.followed
    assert isinstance(directory, Catalogue)
    directory.tell("party", child("city", 900_001, sends_for=("city", "county")), number=2)
    directory.tell("party", child("harbour", 900_002, sends_for=("harbour",)))
    yield made
    await made.database.close()


@pytest.fixture
async def province(built_province: House) -> House:
    """A node with two children, `city` (which also sends for `county`) and `harbour`, today."""
    built_province.on(TODAY)
    async with built_province.database.session() as session:
        await session.execute("delete from bus.event_queue")
    return built_province
