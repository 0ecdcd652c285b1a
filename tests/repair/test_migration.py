"""A node that has records already: whom they name may file from the upgrade on, and finds them in their own file."""

from uuid import uuid4

import orjson

from creditmesh.chassis.database.migrating import migrate
from creditmesh.ingestion import service as ingestion
from creditmesh.query import service as query
from creditmesh.repair import service as repair
from tests.repair.samples import a_holder, a_record
from tests.support.postgres import Postgres

SERVICES = [ingestion, query, repair]
BEFORE = """
alter table query.record rename column body to revision;
alter table query.record add column data bytea;
drop table query.named;
alter table query.public_record drop column searched;
drop table query.nodes_above;
update query.alembic_version set version_num = 'query_0003';
alter table repair.record drop column named, drop column discharged, drop column fields;
alter table repair.record add column origin text not null;
drop index repair.one_open_case;
create unique index case_record_kind_part_idx on repair.case (record, kind, part)
 where state in ('filed', 'returned', 'accepted', 'appealed');
alter table repair.case drop column days_left, drop column false_material_on;
alter table repair.record drop column false_material;
update repair.alembic_version set version_num = 'repair_0001';
"""
REVISION = """
insert into ingestion.revision (at, legal_date, part, rev, item_version, id, record, subject, natural_key, fingerprint,
                                mac_key, mac_alg, item, party, origin, lane, state, data)
values (now(), current_date, 3, $1, 1, $2, $3, $4, '\\x01', '\\x02', 'k', 'a', 'penalty', 'market', 'city', 'live',
        'published', $5)
"""
OF_QUERY = """
insert into query.record (part, record, rev, revision, subject, item, kind, state, display_from, data)
values (3, $1, 2, $2, $3, 'penalty', 'organisation', 'published', current_date, $4)
"""
OF_REPAIR = """
insert into repair.record (part, record, rev, corrected, subject, kind, item, item_version, state, decided_on,
                           display_from, party, origin, change)
values (3, $1, 2, 0, $2, 'organisation', 'penalty', 1, 'published', current_date, current_date, 'market', $3,
        'corrected')
"""

LINE = """
insert into repair.propagation (part, record, rev, holder, kind, settled, at, data)
values (3, $1, 2, $2, 'node', $3, now(), $4)
"""


async def test_whom_the_known_records_name_is_known_after_the_upgrade(postgres: Postgres):
    database = await postgres.database(node="city", packages=SERVICES)
    old, new, subject = uuid4(), uuid4(), uuid4()
    record = a_record(subject=subject, kind="organisation").record
    async with database.session() as session:
        await session.execute(BEFORE)
        for rev, boss in ((1, old), (2, new)):
            related = [{"role": "legal_representative", "subject": boss, "part": 7}]
            event = a_record(subject=subject, kind="organisation", record=record, rev=rev, related=related)
            data = orjson.dumps(event.model_dump(mode="json"))
            await session.execute(REVISION, rev, event.revision, record, subject, data)
        await session.execute(OF_QUERY, record, event.revision, subject, data)
        await session.execute(OF_REPAIR, record, subject, "city")
        await session.execute(OF_REPAIR, uuid4(), subject, "below")
        await migrate(
            postgres.admin, node="city", tier="city", parts=12, packages=SERVICES, secrets=postgres.secrets,
            database=database.name,
        )  # fmt: skip
        [known] = await session.fetch("select named, discharged, fields from repair.record")
        [named] = await session.fetch("select part, subject, home, record, discharged from query.named")
    assert (known["named"], known["discharged"]) == ([new], [])
    assert orjson.loads(known["fields"]) == event.fields
    assert tuple(named) == (7, new, 3, record, False)


async def test_what_was_told_of_this_node_itself_as_an_answer_is_forgotten(postgres: Postgres):
    database = await postgres.database(node="city", packages=SERVICES)
    record, told = a_record(subject=uuid4(), kind="organisation"), uuid4()
    lines = {
        (record.record, "city"): "acknowledged",
        (record.record, "province"): "acknowledged",
        (told, "city"): "told",
    }
    async with database.session() as session:
        await session.execute("update repair.alembic_version set version_num = 'repair_0005'")
        for (about, holder), outcome in lines.items():
            data = a_holder(record, 2, holder=holder, outcome=outcome).model_dump_json().encode()
            await session.execute(LINE, about, holder, outcome == "acknowledged", data)
        await migrate(
            postgres.admin, node="city", tier="city", parts=12, packages=SERVICES, secrets=postgres.secrets,
            database=database.name,
        )  # fmt: skip
        left = await session.fetch("select record, holder from repair.propagation")
    assert {(row["record"], row["holder"]) for row in left} == {(record.record, "province"), (told, "city")}
