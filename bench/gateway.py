"""What the one door costs: the same small requests to a service directly and through the gateway, in one run.

It starts an embedded PostgreSQL, a process with a service, its door in process and its door over HTTP, and a second
process with the same service for the latter. Rounds are interleaved. The load generator shares the machine, so on two
cores the ratio of CPU says more than the ratio of rates.
"""

import asyncio
import multiprocessing
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Annotated, Any, NamedTuple

import psutil
import uvloop
from fastapi import Body
from pydantic import BaseModel

from bench.figures import Table, centile, spread
from bench.wire import ask_for, post
from creditmesh.chassis.bus.listen import Notifications as Wakes
from creditmesh.chassis.caller import OPERATOR, Caller
from creditmesh.chassis.clock import Clock
from creditmesh.chassis.context import Context
from creditmesh.chassis.database.address import DatabaseAddress, addresses
from creditmesh.chassis.database.embedded import EmbeddedServer
from creditmesh.chassis.database.migrating import migrate
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.equipment import Equipment
from creditmesh.chassis.facts import Facts
from creditmesh.chassis.http.access import AccessPolicy
from creditmesh.chassis.http.app import service_app
from creditmesh.chassis.http.router import Ctx, Router
from creditmesh.chassis.http.server.listener import HttpListener
from creditmesh.chassis.http.token import HEADER, Mint, Verifier
from creditmesh.chassis.service import Declaration, Service
from creditmesh.chassis.vault.keys import Keys
from creditmesh.chassis.vault.subjects import Vault
from creditmesh.gateway import operations
from creditmesh.gateway import service as gateway
from creditmesh.gateway.door import Door, build
from creditmesh.gateway.models import PartyKey
from creditmesh.gateway.transport import InProcess, ServiceTransport
from creditmesh.gateway.transport.over_http import OverHttp
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import CatalogueChanged

CONNECTIONS, SECONDS, ROUNDS = 16, 1.5, 4
BODY = b'{"text":"' + b"x" * 1000 + b'"}'
PARTY = "dept.bench"
NODE = Facts(code="city", tier="city", parts=12, sandbox=True)
WAYS = ("direct", "in process", "over HTTP")
router = Router()


class Asked(BaseModel):
    """1 KB of question."""

    text: str


@router.post("/v1/asked", access=AccessPolicy.to("department", scope="records:read"))
async def asked(ctx: Ctx, question: Annotated[Asked, Body()]) -> dict[str, object]:
    """A small answer."""
    return {"party": ctx.known_caller.party, "length": len(question.text)}


small = Service(name="small", package="bench.gateway", summary="Small", summary_zh="小", router=router)


class _Told(NamedTuple):
    number: int
    data: bytes
    type: str = CatalogueChanged.type


def _directory() -> Directory:
    party = {"code": PARTY, "name": "Bench", "name_zh": "测", "kind": "department", "uscc": "11990000MA00000001"}
    told = CatalogueChanged(
        kind="party", code=PARTY, number=1, state="published", effective=date(2020, 1, 1), body=party
    )
    made = Directory()
    made.apply(_Told(1, told.model_dump_json().encode()))
    return made


@dataclass
class Place:
    """Where the run's database and keys are, given to each process."""

    folder: Path
    database: DatabaseAddress

    def equipment(self, service: Service) -> Equipment:
        """What a service of this run is given."""
        keys = Keys.load(self.folder / "keys", gateway.keys)
        pool = Pool(self.database, application_name="bench")
        return Equipment(
            node=NODE,
            service=service,
            pool=pool,
            clock=Clock(),
            vault=Vault(pool, keys, parts=12, allowed=frozenset()),
            keys=keys,
            followed=_directory(),
            wake=lambda: None,
            notifications=Wakes(self.database),
        )

    def app(self) -> Any:
        """The small service's application."""
        made = self.equipment(small)
        return service_app(made, Verifier(made.keys.token_public_keys(), node=NODE.code, audience=small.name))


def serve(place: Place, elsewhere: str | None, pipe: Connection) -> None:
    """One server process: the service, and unless `elsewhere` is None both doors to it."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(place, elsewhere, pipe))


async def _serve(place: Place, elsewhere: str | None, pipe: Connection) -> None:
    mint = Mint(Keys.load(place.folder / "keys", gateway.keys).token_key(), node=NODE.code)
    token = partial(mint.token, audience=small.name)
    ways: list[ServiceTransport] = (
        [] if elsewhere is None else [InProcess(place.app()), OverHttp(elsewhere, token=token)]
    )
    doors = [_door(place, way) for way in ways]
    listeners = [HttpListener(app, host="127.0.0.1", port=0, drain_seconds=1) for app in (place.app(), *doors)]
    for listener in listeners:
        await listener.start()
    pipe.send([listener.url for listener in listeners])
    await asyncio.to_thread(pipe.recv)
    for listener in listeners:
        await listener.drain()
    for door in doors:
        await door.close()


def _door(place: Place, transport: ServiceTransport) -> Door:
    made = place.equipment(gateway)

    async def ready() -> dict[str, Any]:
        return {"ready": True}

    return build(
        declaration=Declaration(services=(small, gateway), follow="small", followed=Directory),
        transports={"small": transport},
        pool=made.pool,
        keys=made.keys,
        clock=made.clock,
        node=NODE,
        ready=ready,
    )


@dataclass
class Result:
    """What one way did in each round."""

    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)


async def _results() -> dict[str, Result]:
    """All ways, interleaved."""
    async with _standing() as (place, credential, token):
        with _server(place, None) as (other, (far,)), _server(place, far) as (node, (direct, inside, over)):
            given = {"authorization": f"Bearer {credential}"}
            ways = zip(WAYS, (direct, inside, over), ({HEADER: token}, given, given), strict=True)
            results = {name: Result() for name in WAYS}
            plan = [(name, url, headers) for name, url, headers in ways]
            for each in range(ROUNDS + 1):
                for name, url, headers in plan:
                    one = Result() if each == 0 else results[name]
                    await _round(one, url, headers, (node, other))
            return results


async def _round(result: Result, url: str, headers: dict[str, str], servers: Sequence[psutil.Process]) -> None:
    before = sum(sum(server.cpu_times()[:2]) for server in servers)
    began = time.perf_counter()
    request = post(url, "/v1/asked", BODY, **headers)
    latencies = await ask_for(SECONDS, url, lambda: request, connections=CONNECTIONS)
    seconds = time.perf_counter() - began
    after = sum(sum(server.cpu_times()[:2]) for server in servers)
    result.rates.append(len(latencies) / seconds)
    result.cpu.append((after - before) / len(latencies) * 1e6)
    result.latencies += latencies


def _open_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="creditmesh-bench-"))
    folder.chmod(0o755)  # the server may run as a user of its own
    return folder


@asynccontextmanager
async def _standing() -> AsyncIterator[tuple[Place, str, str]]:
    folder = _open_folder()
    server = EmbeddedServer(folder / "data")
    await server.start()
    try:
        await migrate(
            server.admin, node=NODE.code, tier=NODE.tier, parts=NODE.parts, packages=(gateway,), secrets=folder
        )
        Keys.create(folder / "keys")
        address = addresses(server.admin, node=NODE.code, secrets=folder)["gateway"]
        place = Place(folder, address)
        yield place, await _key(place), _token(place)
    finally:
        await server.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def _key(place: Place) -> str:
    context = Context(place.equipment(gateway), caller=OPERATOR)
    order = PartyKey(kind="department", party=PARTY, scopes=("records:read",))
    made = await operations.create_key(context, order)
    await context.commit()
    await context.equipment.pool.close()
    return made.credential


def _token(place: Place) -> str:
    keys = Keys.load(place.folder / "keys", gateway.keys)
    caller = Caller(kind="department", party=PARTY, scopes=frozenset({"records:read"}), credential="bench")
    return Mint(keys.token_key(), node=NODE.code).token(caller, audience=small.name)


class _server:  # noqa: N801 - read as a function
    """A server process; entering gives it and its addresses."""

    def __init__(self, place: Place, elsewhere: str | None) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(place, elsewhere, theirs), daemon=True)

    def __enter__(self) -> tuple[psutil.Process, list[str]]:
        self._process.start()
        return psutil.Process(self._process.pid), self._pipe.recv()

    def __exit__(self, *_: object) -> None:
        self._pipe.send(None)
        self._process.join(10)


def measure() -> Table:
    """All ways, against direct."""
    results = asyncio.run(_results())
    direct = results["direct"]
    table = Table(f"gateway: POST 1 KB, {CONNECTIONS} connections")
    for name, result in results.items():
        rates = [rate / base for rate, base in zip(result.rates, direct.rates, strict=True)]
        cpu = [base / spent for spent, base in zip(result.cpu, direct.cpu, strict=True)]
        table.rows.append(
            {
                "": name,
                "requests/s": spread(result.rates, ",.0f"),
                "to direct": spread(rates),
                "CPU us": median(result.cpu),
                "direct's CPU to it": spread(cpu),
                "p50 ms": 1000 * median(result.latencies),
                "p99 ms": 1000 * centile(result.latencies, 0.99),
            }
        )
    table.samples = {name: {"rates": result.rates, "cpu": result.cpu} for name, result in results.items()}
    return table
