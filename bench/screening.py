"""Screening subjects for a matter: one at a time against a bare route, and by the thousand, each look in the log.

The table of who stands where is filled by SQL: many designations of subjects that nobody asks about, and one of every
other subject that is asked about. Those are known to the node by a penalty; the rest of them it has never seen.
"""

import asyncio
import time
from dataclasses import dataclass, field
from statistics import median

import asyncpg
import orjson

from bench.bare import Route
from bench.comparing import compared
from bench.figures import Table, spread
from bench.rows import ITEM, penalties, person, receipt_in
from bench.standing import Standing, drained
from bench.wire import Wire, post
from creditmesh.node import people
from creditmesh.schemas.screenings import ScreenedIn, ScreeningOut

DESIGNATIONS, BATCH, ONES, ROUNDS = 100_000, 5000, 300, 5
FIRST = 1_000_000
PARTY, PATH = "finance", "/v1/screenings"
ASKED = f"{PATH}?matter=procurement_review&officer=W-17"
_COLUMNS = "part, record, subject, rev, role, handle, kind, item, list, nature, origin, state, decided_on, display_from"
_STANDS = f"""
insert into matching.standing ({_COLUMNS}, since, at, home, body, responsible)
select part, record, subject, 1, 'listed', md5(record::text), 'natural_person', 'judgment_defaulter',
       'judgment_defaulters', 'adverse', 'city', 'published', day, day, day, now(), part, record, '{{}}'
"""
_ENTRIES = "select last_value from query.access_entry"
_SEEN = "select count(*) from query.access"
_STRANGERS = f"""{_STANDS}
  from (select n % (select parts from bus.node) as part, gen_random_uuid() as record, gen_random_uuid() as subject,
               date '2026-01-01' as day
          from generate_series(1, $1::int) as n) as strangers
"""
_KNOWN = f"""{_STANDS}
  from (select part, gen_random_uuid() as record, subject, date '2026-01-01' as day
          from ingestion.revision where submission = $1) as known
"""


async def measure(standing: Standing) -> Table:
    """One subject against a bare route first, then batches; the rows of both."""
    key = people.issue_key(standing.node.operator, PARTY)
    subjects = [_subject(FIRST + 2 * number) for number in range(BATCH)]
    async with standing.session() as session:
        await _prepare(standing, session)
        status, answered = await _asked(standing, key, subjects[0])
        assert status == 200, answered
        assert orjson.loads(answered)["measures"], answered
        table = await compared(
            standing,
            Route(PATH, ScreenedIn, ScreeningOut, answered),
            subjects[:ONES],
            title=f"screening: {DESIGNATIONS:,} designations, one subject a request",
            name="screened and logged",
            key=key,
            path=ASKED,
        )
        await drained(session)
        result = Batches()
        for number in range(ROUNDS + 1):
            await _batch(standing, session, key, b"\n".join(subjects), Batches() if number == 0 else result)
    table.rows.append(result.row())
    table.notes.append(f"A batch: NDJSON of {BATCH:,} subjects, half of them on a list; subjects/s to the answer.")
    table.notes.append("logged/s: until each of these accesses stands in the log.")
    table.samples["batches"] = vars(result)
    return table


@dataclass
class Batches:
    """What each batch took."""

    answered: list[float] = field(default_factory=list)
    logged: list[float] = field(default_factory=list)
    node: list[float] = field(default_factory=list)
    server: list[float] = field(default_factory=list)

    def row(self) -> dict[str, str | float | None]:
        """The medians, each a subject."""
        return {
            "": f"{BATCH:,} in one request",
            "process us": median(self.node),
            "PostgreSQL us": median(self.server),
            "subjects/s": spread(self.answered, ",.0f"),
            "logged/s": spread(self.logged, ",.0f"),
        }


async def _prepare(standing: Standing, session: asyncpg.Connection) -> None:
    known = [FIRST + 2 * number for number in range(0, BATCH, 2)]
    body = penalties([9_000_000 + each for each in known], known)
    path, kind = f"/v1/items/{ITEM}/records", "application/x-ndjson"
    wire = await Wire.to(standing.url)
    status, answer = await wire.ask(post(standing.url, path, body, key=standing.key, kind=kind))
    wire.close()
    assert status == 200, answer
    await drained(session)
    submission = receipt_in(answer)["submission"]
    await session.execute(_STRANGERS, DESIGNATIONS)
    await session.execute(_KNOWN, submission)
    await session.execute("vacuum analyze")


async def _batch(standing: Standing, session: asyncpg.Connection, key: str, body: bytes, result: Batches) -> None:
    logged_before = await session.fetchval(_ENTRIES)
    before, began = standing.spent(), time.perf_counter()
    status, answer = await _asked(standing, key, body, kind="application/x-ndjson")
    answered = time.perf_counter() - began
    assert status == 200, answer
    await _logged(session, logged_before + BATCH)
    logged = time.perf_counter() - began
    node, server = (now - then for now, then in zip(standing.spent(), before, strict=True))
    result.answered.append(BATCH / answered)
    result.logged.append(BATCH / logged)
    result.node.append(node / BATCH * 1e6)
    result.server.append(server / BATCH * 1e6)


async def _asked(standing: Standing, key: str, body: bytes, *, kind: str = "application/json") -> tuple[int, bytes]:
    wire = await Wire.to(standing.url)
    try:
        return await wire.ask(post(standing.url, ASKED, body, key=key, kind=kind))
    finally:
        wire.close()


async def _logged(session: asyncpg.Connection, entries: int) -> None:
    """Wait until the log has so many entries: first until they are numbered, which costs the server little to tell."""
    async with asyncio.timeout(120):
        for count in (_ENTRIES, _SEEN):
            while await session.fetchval(count) < entries:  # noqa: ASYNC110 - in the database
                await asyncio.sleep(0.01)


def _subject(order: int) -> bytes:
    return orjson.dumps({"kind": "natural_person", "document": {"type": "resident_id", "number": person(order)}})
