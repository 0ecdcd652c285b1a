"""How long a record takes from being sent to being acknowledged, and to standing in the read model."""

import asyncio
from collections.abc import Sequence
from statistics import median

from bench import pace
from bench.figures import Table, centile
from bench.standing import Standing, drained
from bench.watching import watched

RATES = (10, 100)
"""Requests a second."""
SECONDS, WARM = 8, 1
FIRST = 3_000_000


async def measure(standing: Standing) -> Table:
    """The times of every record after the first second, at each rate."""
    bus = standing.node.settings.bus.kind
    table = Table(f"latency: single records, {bus} bus")
    async with standing.session() as session, watched(session, "query.record", "record::text") as seen:
        for rate in RATES:
            node, server = standing.spent()
            every = await pace.records(standing, rate, seconds=WARM + SECONDS, first=FIRST + 100_000 * rate)
            await drained(session)
            await asyncio.sleep(0.1)
            node, server = (now - then for now, then in zip(standing.spent(), (node, server), strict=True))
            sent = after(WARM, every)
            add(table, rate, "acknowledged", [each.acknowledged - each.due for each in sent])
            add(table, rate, "in the read model", [seen[str(each.record)] - each.due for each in sent])
            table.rows[-1] |= {"node ms": 1000 * node / len(every), "server ms": 1000 * server / len(every)}
    table.notes = [
        "From when a record was due to be sent. Answered a second less than asked: the machine is too busy.",
        "node ms, server ms: CPU a record, from the request to the read model.",
    ]
    return table


def after(seconds: float, sent: Sequence[pace.Sent]) -> list[pace.Sent]:
    """Those that were due later than so many seconds from the first."""
    begun = min(each.due for each in sent)
    return [each for each in sent if each.due >= begun + seconds]


def add(table: Table, rate: int, name: str, seconds: Sequence[float]) -> None:
    """One row: how long it took, of those that were sent at that rate after the first second."""
    values = [1000 * each for each in seconds]
    table.rows.append(
        {
            "asked a second": rate,
            "sent to": name,
            "answered a second": len(values) / SECONDS,
            "p50 ms": median(values),
            "p90 ms": centile(values, 0.9),
            "p99 ms": centile(values, 0.99),
            "max ms": max(values),
        }
    )
    table.samples[f"{rate}, {name}"] = values
