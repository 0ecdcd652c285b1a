"""An authorised, logged query through the gateway, against a bare FastAPI route that gives the very same answer."""

import asyncio
import itertools
import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from statistics import median

import orjson
import psutil
import uvloop
from fastapi import FastAPI

from bench import cost
from bench.figures import Table, centile, spread
from bench.rows import ITEM, penalties, person
from bench.standing import Standing, drained
from bench.wire import Wire, ask_for, post
from creditmesh.chassis.http.server import Listener
from creditmesh.schemas.queries import QueryIn, QueryOut

SUBJECTS, RECORDS = 300, 3
FIRST = 2_000_000
CONNECTIONS, SECONDS, ROUNDS = 16, 1.5, 4
MATTER = "business_licence_examination"


@dataclass
class Result:
    """What one way did in each round."""

    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    server: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)


async def measure(standing: Standing) -> Table:
    """Both ways, interleaved."""
    await _prepare(standing)
    bodies = itertools.cycle([_question(FIRST + 2 * number) for number in range(SUBJECTS)])
    answer = await _answer(standing, next(bodies))

    def asked() -> bytes:
        return post(standing.url, "/v1/queries", next(bodies), key=standing.key)

    with _bare(answer) as (process, url):

        def bare() -> bytes:
            return post(url, "/v1/queries", next(bodies))

        results = {"bare route": Result(), "authorised and logged": Result()}
        for number in range(ROUNDS + 1):
            ways = zip(
                results.values(), (url, standing.url), (bare, asked), ([process], standing.processes), strict=True
            )
            for result, where, request, processes in ways:
                await _round(Result() if number == 0 else result, standing, processes, where, request)
    return _table(results)


async def _prepare(standing: Standing) -> None:
    subjects = [FIRST + 2 * number for number in range(SUBJECTS)] * RECORDS
    body = penalties(range(FIRST, FIRST + len(subjects)), subjects)
    wire = await Wire.to(standing.url)
    path, kind = f"/v1/items/{ITEM}/records", "application/x-ndjson"
    status, answer = await wire.ask(post(standing.url, path, body, key=standing.key, kind=kind))
    assert status == 200, answer
    wire.close()
    async with standing.session() as session:
        await drained(session)


def _question(order: int) -> bytes:
    document = {"type": "resident_id", "number": person(order)}
    subject = {"kind": "natural_person", "document": document}
    return orjson.dumps({"subject": subject, "purpose": "statutory_duty", "matter": MATTER, "officer": "B-1"})


async def _answer(standing: Standing, question: bytes) -> bytes:
    wire = await Wire.to(standing.url)
    status, answer = await wire.ask(post(standing.url, "/v1/queries", question, key=standing.key))
    wire.close()
    assert status == 200, answer
    assert len(orjson.loads(answer)["released"]) == RECORDS, answer
    return answer


async def _round(
    result: Result, standing: Standing, processes: list[psutil.Process], url: str, request: Callable[[], bytes]
) -> None:
    before, server = sum(map(cost.seconds, processes)), cost.seconds(standing.postgres)
    began = time.perf_counter()
    latencies = await ask_for(SECONDS, url, request, connections=CONNECTIONS)
    seconds = time.perf_counter() - began
    async with standing.session() as session:
        await drained(session)
    result.rates.append(len(latencies) / seconds)
    result.cpu.append((sum(map(cost.seconds, processes)) - before) / len(latencies) * 1e6)
    result.server.append((cost.seconds(standing.postgres) - server) / len(latencies) * 1e6)
    result.latencies += latencies


def _table(results: dict[str, Result]) -> Table:
    bare = results["bare route"]
    table = Table(f"query: {RECORDS} records of a person released, {CONNECTIONS} connections")
    for name, result in results.items():
        ratios = [rate / base for rate, base in zip(result.rates, bare.rates, strict=True)]
        table.rows.append(
            {
                "": name,
                "requests/s": spread(result.rates, ",.0f"),
                "to bare": spread(ratios),
                "process us": median(result.cpu),
                "PostgreSQL us": None if result is bare else median(result.server),
                "p50 ms": 1000 * median(result.latencies),
                "p99 ms": 1000 * centile(result.latencies, 0.99),
            }
        )
    table.notes = ["us: CPU a request, the reading of its access into the log included."]
    table.samples = {name: vars(result) | {"latencies": None} for name, result in results.items()}
    return table


@contextmanager
def _bare(answer: bytes) -> Iterator[tuple[psutil.Process, str]]:
    context = multiprocessing.get_context("spawn")
    pipe, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(answer, theirs), daemon=True)
    process.start()
    try:
        yield psutil.Process(process.pid), pipe.recv()
    finally:
        pipe.send(None)
        process.join(10)


def _serve(answer: bytes, pipe: Connection) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_listen(answer, pipe))


async def _listen(answer: bytes, pipe: Connection) -> None:
    app, answered = FastAPI(), QueryOut.model_validate_json(answer)

    @app.post("/v1/queries")
    async def asked(_question: QueryIn) -> QueryOut:
        return answered

    listener = Listener(app, host="127.0.0.1", port=0, drain_seconds=1)
    await listener.start()
    pipe.send(listener.url)
    await asyncio.to_thread(pipe.recv)
    await listener.drain()
