"""A log that was kept before it was an outbox: its lines stay, and accesses that were not yet in it come into it."""

from uuid import UUID, uuid4

from creditmesh.chassis.database.migrating import migrate
from creditmesh.chassis.vault.migrations.vault_0005_document_and_number import IDENTIFY, RESOLVE
from creditmesh.ingestion import service as ingestion
from creditmesh.query import service
from creditmesh.schemas.rules.names import folded
from tests.query.samples import a_record
from tests.support.postgres import Postgres
from tests.support.vaults import KEYS_APART

WITH_BODIES = """
alter table query.record rename column body to revision;
alter table query.record add column data bytea;
"""
BEFORE = f"""
{WITH_BODIES}
drop table query.named;
alter table query.public_record drop column searched;
alter table query.access drop column legal_date, drop column traceparent;
alter table query.access rename column id to access;
alter table query.access rename column key to subject;
drop table query.nodes_above;
update query.alembic_version set version_num = 'query_0002';
"""
KNOWN_BY_WHO_ASKED = f"""
{WITH_BODIES}
{KEYS_APART}
drop function vault.resolve, vault.identify, vault.open, vault.know, vault.kinds;
drop table vault.known;
alter table vault.subject add column kind text not null default 'sole_trader';
create function vault.tell_kind(given uuid) returns text language sql return 'sole_trader';
update vault.alembic_version set version_num = 'vault_0007';
drop table query.nodes_above;
update query.alembic_version set version_num = 'query_0007';
"""
OF_A_RECORD = """
insert into query.record (part, record, rev, revision, subject, item, kind, state, display_from, data)
values (3, $1, 1, $1, $2, 'penalty', $3, 'published', current_date, $4)
"""
REVISION = """
insert into ingestion.revision (at, legal_date, part, rev, item_version, id, record, subject, natural_key, fingerprint,
                                mac_key, mac_alg, item, party, origin, lane, state, data)
values (now(), current_date, 3, $1, 1, $2, $3, $4, '\\x01', '\\x02', 'k', 'a', 'penalty', 'market', 'below', 'live',
        'published', 'what it says')
"""
EVENT = """
insert into bus.event (stream, part, id, type, version, key, at, legal_date, traceparent, data)
values ($1, 3, $2, 'access.recorded', 1, $3, now(), '2026-05-04', '00-trace', '{}')
"""
LINE = "insert into query.access (part, access, subject, at, data) values (3, $1, $2, now(), '{}')"


async def test_a_log_becomes_an_outbox_with_all_its_lines_and_those_its_reader_had_not_written(postgres: Postgres):
    database = await postgres.database(node="query1", packages=[service])
    written, of_another, waiting, waiting_of_another, subject = (uuid4() for _ in range(5))
    async with database.session() as session:
        await session.execute(BEFORE)
        for stream, event in (
            ("query", written),
            ("repair", of_another),
            ("query", waiting),
            ("repair", waiting_of_another),
        ):
            await session.execute(EVENT, stream, event, str(subject))
        for event in (written, of_another):
            await session.execute(LINE, event, subject)
        await migrate(
            postgres.admin, node="query1", tier="city", parts=12, packages=[service], secrets=postgres.secrets,
            database=database.name,
        )  # fmt: skip
        lines = await session.fetch("select id, key, legal_date, traceparent from query.access order by entry")
    assert [line["id"] for line in lines] == [written, of_another, waiting]
    assert {(line["key"], str(line["legal_date"]), line["traceparent"]) for line in lines} == {
        (subject, "2026-05-04", "00-trace")
    }


async def test_names_that_were_stored_before_are_found_as_they_are_folded_now(postgres: Postgres):
    database = await postgres.database(node="query2", packages=[service])
    name = "沙盒(台北)實業"
    async with database.session() as session:
        await session.execute(
            "insert into query.public_record (part, record, rev, item, kind, state, display_from, name, data) "
            "values (0, $1, 1, 'penalty', 'organisation', 'published', '2026-05-04', $2, '{}')",
            uuid4(),
            name,
        )
        await session.execute(
            f"{WITH_BODIES} drop table query.named; alter table query.public_record drop column searched;"
            "drop table query.nodes_above; update query.alembic_version set version_num = 'query_0003'"
        )
        await migrate(
            postgres.admin, node="query2", tier="city", parts=12, packages=[service], secrets=postgres.secrets,
            database=database.name,
        )  # fmt: skip
        assert await session.fetchval("select name from query.public_record") == folded(name) == "沙盒台北实业"


async def test_marks_and_parts_of_characters_in_stored_names_are_folded_too(postgres: Postgres):
    database = await postgres.database(node="query3", packages=[service])
    name = "沙盒\ufe00⺠族实业"
    async with database.session() as session:
        await session.execute(
            "insert into query.public_record (part, record, rev, item, kind, state, display_from, name, data) "
            "values (0, $1, 1, 'penalty', 'organisation', 'published', '2026-05-04', $2, '{}')",
            uuid4(),
            name,
        )
        await session.execute(f"{WITH_BODIES} alter table query.public_record drop column searched")
        await session.execute(
            "drop table query.nodes_above; update query.alembic_version set version_num = 'query_0005'"
        )
        await migrate(
            postgres.admin, node="query3", tier="city", parts=12, packages=[service], secrets=postgres.secrets,
            database=database.name,
        )  # fmt: skip
        assert await session.fetchval("select name from query.public_record") == folded(name) == "沙盒民族实业"


async def test_of_which_kind_who_has_records_is_the_newest_says_and_not_who_asked_first(postgres: Postgres):
    database = await postgres.database(node="query4", packages=[service])
    subject, boss, asked = uuid4(), uuid4(), uuid4()
    older, newer = sorted(uuid4() for _ in range(2))
    async with database.session() as session:
        await session.execute(KNOWN_BY_WHO_ASKED + RESOLVE + IDENTIFY)
        for each in (subject, boss, asked):
            await session.execute("insert into vault.subject (id, part) values ($1, 3)", each)
        for record, kind in ((older, "sole_trader"), (newer, "organisation")):
            event = a_record(subject=subject, record=record, kind=kind, related=[a_boss(boss), a_boss(subject)])
            await session.execute(OF_A_RECORD, record, subject, kind, event.model_dump_json().encode())
        await migrate(
            postgres.admin, node="query4", tier="city", parts=12, packages=[service], secrets=postgres.secrets,
            database=database.name,
        )  # fmt: skip
        known = dict(await session.fetch("select subject, kind from vault.known"))
    assert known == {subject: "organisation", boss: "natural_person"}


async def test_what_the_read_model_kept_is_found_where_ingestion_wrote_it_also_of_copies(postgres: Postgres):
    """A copy's later revision has an id of its own here, and another where it came from."""
    packages = [ingestion, service]
    database = await postgres.database(node="query5", packages=packages)
    record, gone, subject, here = (uuid4() for _ in range(4))
    async with database.session() as session:
        await session.execute(
            WITH_BODIES + "drop table query.nodes_above; update query.alembic_version set version_num = 'query_0007'"
        )
        for rev, row in ((1, record), (2, here)):
            await session.execute(REVISION, rev, row, record, subject)
        for each in (record, gone):
            await session.execute(OF_A_RECORD, each, subject, "organisation", b"what it said")
        await session.execute("update query.record set rev = 2")
        await migrate(
            postgres.admin, node="query5", tier="city", parts=12, packages=packages, secrets=postgres.secrets,
            database=database.name,
        )  # fmt: skip
        kept = await session.fetch("select record, rev, body, subject, item, kind, state from query.record")
        columns = "select count(*) from information_schema.columns where table_name = 'record' and column_name = 'data'"
        assert await session.fetchval(columns) == 0
    assert [tuple(row) for row in kept] == [(record, 2, here, subject, "penalty", "organisation", "published")]


def a_boss(subject: UUID) -> dict[str, object]:
    return {"role": "legal_representative", "subject": subject, "part": 7}
