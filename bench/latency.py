"""How long a record takes from being sent to being acknowledged, and to standing in the read model.

One record a request, a hundred requests a second, each sent when it is due whatever the others do. The read model
itself says when it has a record: for the time of the measurement, a trigger on its table notifies this process at the
commit.
"""

import asyncio
import time
from statistics import median
from uuid import UUID

import orjson

from bench.figures import Table, centile
from bench.rows import ITEM, penalty
from bench.standing import Standing, drained
from bench.wire import Wire, post

RATE, SECONDS, WARM, CONNECTIONS = 100, 10, 1, 16
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
    """The times of every record after the first second."""
    bus = standing.sandbox.settings.bus.kind
    table = Table(f"latency: {RATE} single-record requests a second, {bus} bus")
    async with standing.session() as session:
        await session.execute(_WATCH)
        watch = _Watch()
        await session.add_listener(_CHANNEL, watch.told)
        try:
            sent = await _send(standing)
            await drained(session)
            await asyncio.sleep(0.1)
        finally:
            await session.remove_listener(_CHANNEL, watch.told)
            await session.execute(_UNWATCH)
    visible = [watch.seen[record] - began for record, began, _ in sent]
    _add(table, "sent to acknowledged", [acknowledged for _, _, acknowledged in sent])
    _add(table, "sent to visible in the read model", visible)
    return table


def _add(table: Table, name: str, seconds: list[float]) -> None:
    values = [1000 * each for each in seconds]
    table.rows.append(
        {
            "": name,
            "records": len(values),
            "p50 ms": median(values),
            "p90 ms": centile(values, 0.9),
            "p99 ms": centile(values, 0.99),
            "max ms": max(values),
        }
    )
    table.samples[name] = values


class _Watch:
    def __init__(self) -> None:
        self.seen: dict[UUID, float] = {}

    def told(self, _session: object, _pid: int, _channel: str, records: object) -> None:
        now = time.perf_counter()
        for record in str(records).split():
            self.seen.setdefault(UUID(record), now)


async def _send(standing: Standing) -> list[tuple[UUID, float, float]]:
    free: asyncio.Queue[Wire] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await Wire.to(standing.url))
    requests = [_request(standing, FIRST + number) for number in range(RATE * (WARM + SECONDS))]
    begin = time.perf_counter()
    tasks = [_one(free, request, begin + n / RATE) for n, request in enumerate(requests)]
    sent = await asyncio.gather(*tasks)
    while not free.empty():
        free.get_nowait().close()
    return sent[RATE * WARM :]


async def _one(free: "asyncio.Queue[Wire]", request: bytes, due: float) -> tuple[UUID, float, float]:
    await asyncio.sleep(max(0.0, due - time.perf_counter()))
    wire = await free.get()
    status, body = await wire.ask(request)
    acknowledged = time.perf_counter() - due
    free.put_nowait(wire)
    assert status == 201, (status, body)
    return UUID(orjson.loads(body)["record"]), due, acknowledged


def _request(standing: Standing, order: int) -> bytes:
    body = orjson.dumps(penalty(order, subject=order))
    return post(standing.url, f"/v1/items/{ITEM}/records", body, key=standing.key)
