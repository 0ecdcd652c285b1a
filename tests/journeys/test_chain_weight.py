"""What a record leaves at each node on its way up: how many rows, and in how many of them what it says.

Feeds, which are what travels, are not counted, nor is what the bus keeps of the order of events.
"""

from collections import Counter

import asyncpg

from creditmesh.chassis.packing import unpack
from tests.journeys.mesh import UPWARDS, Mesh, accepted, enterprise

MARKER = "weighed-7c1f"
READ_MODELS = ("matching", "query", "repair", "vault")
ROWS = dict.fromkeys(
    (
        *("matching.standing", "query.record", "query.public_record"),
        *("vault.subject", "vault.identity", "vault.known"),
    ),
    1,
)
"""Of a first record of somebody, at every node."""
_TABLES = """
    select c.oid::regclass::text as name, n.nspname as schema,
           (select array_agg(quote_ident(a.attname)) from pg_attribute a
             where a.attrelid = c.oid and not a.attisdropped and a.atttypid = 'bytea'::regtype) as texts
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p') and not c.relispartition and n.nspname = any($1)
"""


async def weighed(session: asyncpg.Connection) -> tuple[Counter[str], Counter[str]]:
    """How many rows the tables of read models have, and how many rows of theirs and of ingestion say it."""
    rows, bodies = Counter[str](), Counter[str]()
    for table in await session.fetch(_TABLES, ["ingestion", *READ_MODELS]):
        name, texts = table["name"], table["texts"] or ()
        if table["schema"] != "ingestion" and not name.endswith(("reader_position", "alembic_version")):
            rows[name] = await session.fetchval(f"select count(*) from {name}")
        if texts:
            kept = await session.fetch(f"select {', '.join(texts)} from {name}")
            bodies[name] = sum(any(MARKER.encode() in unpack(text or b"") for text in row) for row in kept)
    return rows, +bodies


async def test_a_record_is_a_body_where_it_was_written_and_rows_of_what_is_searched(mesh: Mesh):
    before = {}
    for code in UPWARDS:
        async with mesh.chain[code].database.session() as session:
            before[code], bodies = await weighed(session)
            assert not bodies
    row = enterprise(mesh.city, "示市监罚〔2026〕771号", 771, CF_SY=f"当事人发布虚假广告 {MARKER}")
    await accepted(mesh.city, row)
    await mesh.settled()
    for code in UPWARDS:
        async with mesh.chain[code].database.session() as session:
            after, bodies = await weighed(session)
        own = {"repair.record": 1} if code == "city" else {}
        assert dict(after - before[code]) == ROWS | own, code
        assert dict(bodies) == {"ingestion.revision": 1, "query.public_record": 1}, code
