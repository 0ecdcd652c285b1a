"""Reading a stream costs what is read of it, however long it has become."""

from pathlib import Path

from creditmesh.chassis.bus.stream import read_stream
from tests.support.node import running
from tests.support.postgres import Postgres

EACH = 2000
A_LONG_STREAM = f"""
    with made as (
        insert into ingestion.revision (at, legal_date, part, rev, item_version, id, record, subject, natural_key,
               fingerprint, mac_key, mac_alg, item, party, origin, lane, state, data)
        select clock_timestamp(), date '2026-11-22', p.part, n.number, 1, gen_random_uuid(), gen_random_uuid(),
               gen_random_uuid(), '', '', 'k', 'a', 'item', 'party', 'city', 'live', 'published',
               convert_to(repeat('x', 700), 'UTF8')
          from generate_series(0, 11) p(part), generate_series(1, {EACH}) n(number)
        returning part, rev, id
    )
    insert into bus.event_order (stream, part, number, type, event)
    select 'ingestion', part, rev, 'record.changed', id from made
"""
TOUCHED = """
    select sum(seq_tup_read + idx_tup_fetch) from pg_stat_xact_user_tables
     where schemaname = 'bus' and relname = 'event_order'
"""


async def test_a_batch_is_read_without_walking_the_stream(postgres: Postgres, tmp_path: Path):
    async with running(postgres, tmp_path, catalogue=False) as node:
        async with node.database.session() as admin:
            await admin.execute(A_LONG_STREAM)
            await admin.execute("analyze")
        async with node.host.equipment["query"].pool.transaction() as session:
            after = dict.fromkeys(range(12), EACH - 100)
            events = await read_stream(session, "ingestion", after=after, n=5)
            expected = [(part, number) for part in range(12) for number in range(EACH - 99, EACH - 94)]
            assert [(event.part, event.number) for event in events] == expected
            assert await session.value(TOUCHED) == len(events)


SOURCE = "select prosrc from pg_proc where oid = 'bus.read_ingestion'::regproc"


async def test_the_order_and_the_bodies_are_read_by_a_statement_each(postgres: Postgres, tmp_path: Path):
    async with running(postgres, tmp_path, catalogue=False) as node, node.database.session() as admin:
        statements = str(await admin.fetchval(SOURCE)).split(";")
    [ordering] = [each for each in statements if "bus.event_order" in each]
    [bodies] = [each for each in statements if "bus.event " in each and '"ingestion"."revision"' in each]
    assert bodies != ordering, "they may lie apart"
