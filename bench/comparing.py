"""Small requests through the gateway against a bare route that gives the very same answer, in interleaved rounds."""

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

import psutil

from bench import cost
from bench.bare import Route, bare
from bench.figures import Table, centile, spread
from bench.standing import Standing, drained
from bench.wire import ask_for, post

CONNECTIONS, SECONDS, ROUNDS = 16, 1.5, 4
BARE = "bare route"


@dataclass
class Result:
    """What one way did in each round."""

    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    server: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)


async def compared(
    standing: Standing, route: Route, questions: Sequence[bytes], *, title: str, name: str, key: str, path: str
) -> Table:
    """Both ways with these questions in turn; `path` is that of the node, with its parameters."""
    bodies = itertools.cycle(questions)

    def asked() -> bytes:
        return post(standing.url, path, next(bodies), key=key)

    with bare(route) as (process, url):

        def plain() -> bytes:
            return post(url, route.path, next(bodies))

        results = {BARE: Result(), name: Result()}
        for number in range(ROUNDS + 1):
            ways = zip(
                results.values(), (url, standing.url), (plain, asked), ([process], standing.processes), strict=True
            )
            for result, where, request, processes in ways:
                await _round(Result() if number == 0 else result, standing, processes, where, request)
    return _table(results, f"{title}, {CONNECTIONS} connections")


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


def _table(results: dict[str, Result], title: str) -> Table:
    plain = results[BARE]
    table = Table(title)
    for name, result in results.items():
        ratios = [rate / base for rate, base in zip(result.rates, plain.rates, strict=True)]
        table.rows.append(
            {
                "": name,
                "requests/s": spread(result.rates, ",.0f"),
                "to bare": spread(ratios),
                "process us": median(result.cpu),
                "PostgreSQL us": None if result is plain else median(result.server),
                "p50 ms": 1000 * median(result.latencies),
                "p99 ms": 1000 * centile(result.latencies, 0.99),
            }
        )
    table.notes = ["us: CPU a request, the reading of its access into the log included."]
    table.samples = {name: vars(result) | {"latencies": None} for name, result in results.items()}
    return table
