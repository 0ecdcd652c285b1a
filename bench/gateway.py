"""What the one door costs: the same small requests to a service directly and through the gateway, in one run.

`python -m bench.gateway` starts an embedded PostgreSQL, a process with a service, its door in process and its door
over HTTP, and a second process with the same service for the latter. Rounds are interleaved; of each way it prints
the median requests a second, the CPU of the servers per request, and the ratio to direct. The load generator shares
the machine, so on two cores the ratio of CPU says more than the ratio of rates.
"""

import asyncio
import multiprocessing
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Annotated, Any
from urllib.parse import urlsplit

import psutil
import uvloop
from fastapi import Body
from pydantic import BaseModel

from creditmesh.chassis.caller import OPERATOR, Caller
from creditmesh.chassis.clock import Clock
from creditmesh.chassis.context import Context, Equipment, NodeFacts
from creditmesh.chassis.database.embedded import EmbeddedServer
from creditmesh.chassis.database.engine import engine, urls
from creditmesh.chassis.database.migrations import migrate
from creditmesh.chassis.http.access import Access
from creditmesh.chassis.http.app import service_app
from creditmesh.chassis.http.router import Ctx, Router
from creditmesh.chassis.http.server import Listener
from creditmesh.chassis.http.token import HEADER, Mint, Verifier
from creditmesh.chassis.service import Declaration, Service
from creditmesh.chassis.vault.keys import Keys
from creditmesh.chassis.vault.subjects import Vault
from creditmesh.gateway import operations
from creditmesh.gateway import service as gateway
from creditmesh.gateway.door import Door, build
from creditmesh.gateway.models import PartyKey
from creditmesh.gateway.transport import InProcess, OverHttp, Transport

CONNECTIONS, SECONDS, ROUNDS = 16, 1.5, 5
NODE = NodeFacts(code="city", tier="city", parts=12, sandbox=True)
WAYS = ("direct", "in process", "over HTTP")
router = Router()


class Asked(BaseModel):
    """1 KB of question."""

    text: str


@router.post("/v1/asked", access=Access.to("department", scope="records:read"))
async def asked(ctx: Ctx, question: Annotated[Asked, Body()]) -> dict[str, object]:
    """A small answer."""
    return {"party": ctx.known_caller.party, "length": len(question.text)}


small = Service(name="small", package="bench.gateway", summary="Small", summary_zh="小", router=router)


class _Nothing:
    number = 0
    offset_days = 0

    def apply(self, event: object) -> None:
        raise AssertionError(event)


@dataclass
class Place:
    """Where the run's database and keys are, given to each process."""

    folder: Path
    database: str

    def equipment(self, service: Service) -> Equipment:
        """What a service of this run is given."""
        keys = Keys.load(self.folder / "keys", gateway.keys)
        pool = engine(self.database, application_name="bench")
        return Equipment(
            node=NODE,
            service=service,
            engine=pool,
            clock=Clock(),
            vault=Vault(pool, keys, parts=12, allowed=frozenset()),
            keys=keys,
            followed=_Nothing(),
            wake=lambda: None,
        )

    def app(self) -> Any:
        """The small service's application."""
        made = self.equipment(small)
        return service_app(made, Verifier(made.keys.token_public_key(), node=NODE.code, audience=small.name))


def serve(place: Place, elsewhere: str | None, pipe: Connection) -> None:
    """One server process: the service, and unless `elsewhere` is None both doors to it."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(place, elsewhere, pipe))


async def _serve(place: Place, elsewhere: str | None, pipe: Connection) -> None:
    ways = [] if elsewhere is None else [InProcess(place.app()), OverHttp(elsewhere)]
    doors = [_door(place, way) for way in ways]
    listeners = [Listener(app, host="127.0.0.1", port=0, drain_seconds=1) for app in (place.app(), *doors)]
    for listener in listeners:
        await listener.start()
    pipe.send([listener.url for listener in listeners])
    await asyncio.to_thread(pipe.recv)
    for listener in listeners:
        await listener.drain()
    for door in doors:
        await door.close()


def _door(place: Place, transport: Transport) -> Door:
    made = place.equipment(gateway)

    async def ready() -> dict[str, Any]:
        return {"ready": True}

    return build(
        declaration=Declaration(services=(small, gateway), follow="small", followed=_Nothing),
        transports={"small": transport},
        engine=made.engine,
        keys=made.keys,
        mint=Mint(made.keys.token_key(), node=NODE.code),
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


async def measure() -> dict[str, Result]:
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
    taken = await asyncio.gather(*(_ask(url, headers, began + SECONDS) for _ in range(CONNECTIONS)))
    seconds = time.perf_counter() - began
    latencies = [latency for each in taken for latency in each]
    after = sum(sum(server.cpu_times()[:2]) for server in servers)
    result.rates.append(len(latencies) / seconds)
    result.cpu.append((after - before) / len(latencies) * 1e6)
    result.latencies += latencies


async def _ask(url: str, headers: dict[str, str], until: float) -> list[float]:
    """One connection, one request after the other, as raw bytes: the generator must be cheaper than the served."""
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    body = b'{"text":"' + b"x" * 1000 + b'"}'
    head = {"host": where.netloc, "content-type": "application/json", "content-length": str(len(body)), **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    request = f"POST /v1/asked HTTP/1.1\r\n{lines}\r\n".encode() + body
    latencies = []
    while (began := time.perf_counter()) < until:
        writer.write(request)
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200"), answer
        await reader.readexactly(int(answer.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
        latencies.append(time.perf_counter() - began)
    writer.close()
    return latencies


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
        where = {"node": NODE.code, "secrets": folder}
        await migrate(server.admin_url, tier=NODE.tier, parts=NODE.parts, packages=(gateway,), **where)
        Keys.create(folder / "keys")
        url = urls(server.admin_url, **where)["gateway"].render_as_string(hide_password=False)
        place = Place(folder, url)
        yield place, await _key(place), _token(place)
    finally:
        await server.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def _key(place: Place) -> str:
    context = Context(place.equipment(gateway), caller=OPERATOR)
    order = PartyKey(kind="department", party="dept.bench", scopes=("records:read",))
    made = await operations.create_key(context, order)
    await context.commit()
    await context.equipment.engine.dispose()
    return made.credential


def _token(place: Place) -> str:
    keys = Keys.load(place.folder / "keys", gateway.keys)
    caller = Caller(kind="department", party="dept.bench", scopes=frozenset({"records:read"}), credential="bench")
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


def main() -> None:
    """Print the table."""
    results = asyncio.run(measure())
    direct = results["direct"]
    print(f"gateway: POST 1 KB, {CONNECTIONS} connections, {ROUNDS} interleaved rounds of {SECONDS:g} s")
    print(f"{'':12}{'requests/s':>12}{'ratio':>8}{'CPU us':>9}{'ratio':>8}{'p50 ms':>9}{'p99 ms':>9}")
    for name, result in results.items():
        rate, cpu, latencies = median(result.rates), median(result.cpu), sorted(result.latencies)
        ratios = f"{rate / median(direct.rates):8.2f}{cpu:9.0f}{median(direct.cpu) / cpu:8.2f}"
        tail = f"{median(latencies) * 1e3:9.2f}{latencies[len(latencies) * 99 // 100] * 1e3:9.2f}"
        print(f"{name:12}{rate:12.0f}{ratios}{tail}")


if __name__ == "__main__":
    main()
