"""How long a record takes from being sent to being acknowledged, and to standing in the read model.

One record a request, each sent when it is due whatever the others do. The read model itself says when it has a record:
for the time of the measurement, a trigger on its table notifies this process at the commit. Where the machine does not
keep up, a request that is late by seconds is not sent: the table says how many were answered a second.
"""

import asyncio
import time
from dataclasses import dataclass
from statistics import median
from uuid import UUID

import orjson

from bench.figures import Table, centile
from bench.rows import ITEM, penalty
from bench.standing import Standing, drained
from bench.wire import Wire, post

RATES = (10, 100)
"""Requests a second."""
SECONDS, WARM, CONNECTIONS = 8, 1, 16
TOO_LATE = 2.0
FIRST = 3_000_000
_CHANNEL = "bench_visible"
_WATCH = f"""
create function bench_visible() returns trigger language plpgsql as $$ begin
    perform pg_notify('{_CHANNEL}', (select string_agg(record::text, ' ') from written));
    return null;
end $$;
create trigger bench_visible after insert on query.record
    referencing new table as written for each statement execute function bench_visible();
"""
_UNWATCH = "drop trigger bench_visible on query.record; drop function bench_visible;"


async def measure(standing: Standing) -> Table:
    """The times of every record after the first second, at each rate."""
    bus = standing.node.settings.bus.kind
    table = Table(f"latency: single records, {bus} bus")
    async with standing.session() as session:
        await session.execute(_WATCH)
        watch = _Watch()
        await session.add_listener(_CHANNEL, watch.told)
        try:
            for rate in RATES:
                node, server = standing.spent()
                sent = await _send(standing, rate)
                await drained(session)
                await asyncio.sleep(0.1)
                node, server = (now - then for now, then in zip(standing.spent(), (node, server), strict=True))
                _add(table, rate, "acknowledged", [each.acknowledged - each.due for each in sent])
                _add(table, rate, "in the read model", [watch.seen[each.record] - each.due for each in sent])
                records = len(watch.seen)
                table.rows[-1] |= {"node ms": 1000 * node / records, "server ms": 1000 * server / records}
                watch.seen.clear()
        finally:
            await session.remove_listener(_CHANNEL, watch.told)
            await session.execute(_UNWATCH)
    table.notes = [
        "From when a record was due to be sent. Answered a second less than asked: the machine is too busy.",
        "node ms, server ms: CPU a record, from the request to the read model.",
    ]
    return table


def _add(table: Table, rate: int, name: str, seconds: list[float]) -> None:
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


@dataclass(frozen=True, slots=True)
class _Sent:
    record: UUID
    due: float
    acknowledged: float


class _Watch:
    def __init__(self) -> None:
        self.seen: dict[UUID, float] = {}

    def told(self, _session: object, _pid: int, _channel: str, records: object) -> None:
        now = time.perf_counter()
        for record in str(records).split():
            self.seen.setdefault(UUID(record), now)


async def _send(standing: Standing, rate: int) -> list[_Sent]:
    free: asyncio.Queue[Wire] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await Wire.to(standing.url))
    first = FIRST + 100_000 * rate
    requests = [_request(standing, first + number) for number in range(rate * (WARM + SECONDS))]
    begin = time.perf_counter()
    sent = await asyncio.gather(*(_one(free, request, begin + n / rate) for n, request in enumerate(requests)))
    while not free.empty():
        free.get_nowait().close()
    return [each for each in sent[rate * WARM :] if each is not None]


async def _one(free: "asyncio.Queue[Wire]", request: bytes, due: float) -> _Sent | None:
    await asyncio.sleep(max(0.0, due - time.perf_counter()))
    wire = await free.get()
    try:
        if time.perf_counter() > due + TOO_LATE:
            return None
        status, body = await wire.ask(request)
        acknowledged = time.perf_counter()
    finally:
        free.put_nowait(wire)
    assert status == 201, (status, body)
    return _Sent(UUID(orjson.loads(body)["record"]), due, acknowledged)


def _request(standing: Standing, order: int) -> bytes:
    body = orjson.dumps(penalty(order, subject=order % 8_000_000))
    return post(standing.url, f"/v1/items/{ITEM}/records", body, key=standing.key)
