"""How long a single record takes through the chain: to each node's read model, and back to the city as known there."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from bench import pace
from bench.figures import Table
from bench.latency import FIRST, RATES, SECONDS, WARM, add, after
from bench.standing import Sessions, Standing, chain_drained
from bench.watching import Seen, watched
from creditmesh.schemas.identifiers import NodeCode

_RECORD = "record::text || '/' || state"
_ENTRY = "coalesce(record::text, feed) || '=' || index"
_ANSWERED = "feed || '/' || node || '=' || coalesce(upper(applied + refused), 0)"
READERS = {"city": "in the city's read model", "province": "in the province's", "nation": "in the nation's"}


@dataclass(frozen=True)
class Watches:
    """What the chain says of itself while records flow."""

    records: Mapping[NodeCode, Seen]
    entries: Seen
    reach: Seen

    def placed(self) -> dict[str, tuple[int, float]]:
        """Each record's index in the city's feed, and when it stood there under a signed head."""
        pairs = ((word.split("="), at) for word, at in self.entries.items())
        return {record: (int(index), at) for (record, index), at in pairs}

    def known(self, node: NodeCode) -> list[tuple[int, float]]:
        """Up to where the city has the answer of a node, and since when; in order."""
        pairs = ((word.split("="), at) for word, at in self.reach.items() if word.startswith(f"up/{node}="))
        return sorted((int(until), at) for (_, until), at in pairs)


async def measure(standing: Standing) -> Table:
    """The times of every record after the first second, at each rate; CPU a record of each node and of PostgreSQL."""
    table = Table(f"chain: single records at the city, {standing.node.settings.bus.kind} bus, three processes")
    async with standing.sessions() as sessions, watching(sessions) as watches:
        for rate in RATES:
            before = standing.spent_by_node()
            sent = await pace.records(standing, rate, seconds=WARM + SECONDS, first=FIRST + 100_000 * rate)
            await chain_drained(sessions)
            await asyncio.sleep(0.2)
            took = {name: now - before[name] for name, now in standing.spent_by_node().items()}
            _rows(table, rate, after(WARM, sent), watches)
            table.rows[-1] |= {f"{name} ms": 1000 * seconds / len(sent) for name, seconds in took.items()}
    table.notes = [
        "From when a record was due to be sent. Answered a second less than asked: the machine is too busy.",
        "ms of a node and of PostgreSQL: CPU a record, until every node has it and all below know that.",
    ]
    return table


@asynccontextmanager
async def watching(sessions: Sessions) -> AsyncIterator[Watches]:
    """Watch every read model, the city's feed, and how far the city knows it to have come."""
    async with AsyncExitStack() as stack:
        records = {
            code: await stack.enter_async_context(watched(session, "query.record", _RECORD))
            for code, session in sessions.items()
        }
        entries = await stack.enter_async_context(watched(sessions["city"], "exchange.feed_entry", _ENTRY))
        reach = await stack.enter_async_context(watched(sessions["city"], "exchange.answer", _ANSWERED))
        yield Watches(records, entries, reach)


def _rows(table: Table, rate: int, sent: list[pace.Sent], watches: Watches) -> None:
    add(table, rate, "acknowledged", [each.acknowledged - each.due for each in sent])
    placed = watches.placed()
    add(table, rate, "in the city's feed, signed", [placed[str(each.record)][1] - each.due for each in sent])
    for code, name in READERS.items():
        seen = watches.records[code]
        add(table, rate, name, [seen[f"{each.record}/published"] - each.due for each in sent])
    for code in ("province", "nation"):
        known = watches.known(code)
        times = [next(at for until, at in known if until > placed[str(each.record)][0]) - each.due for each in sent]
        add(table, rate, f"the {code}'s answer at the city", times)
