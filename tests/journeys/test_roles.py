"""What each role of a node may do in its database: a committed table, and attempts that prove it.

`ROLES_GOLDEN=write .venv/bin/pytest tests/journeys/test_roles.py` writes the table anew; its difference is then read
by a person before it is committed.
"""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from creditmesh.chassis.database.connecting import connect
from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.node.declaration import NODE
from tests.support.postgres import Database, Postgres

GOLDEN = Path(__file__).with_name("roles.golden.json")
ROLES = [*(service.name for service in NODE.services), "bus", "relay"]
SCHEMAS = sorted({"bus", "vault", *(service.name for service in NODE.services)})
APPEND_ONLY = {
    "catalogue": ["catalogue.publication"],
    "ingestion": [f"ingestion.{table}" for table in ("revision", "submission_chunk", "copy", "refusal", "whole_code")]
    + ["ingestion.erasure", "ingestion.erased_record"],
    "matching": ["matching.feedback", "matching.discharged"],
    "query": ["query.access"],
    "repair": ["repair.step", "repair.evidence"],
    "gateway": ["gateway.security_log"],
    "exchange": [
        f"exchange.{table}"
        for table in (
            "feed_tile",
            "feed_checkpoint",
            "feed_key",
            "copy_checkpoint",
            "told",
        )
    ],
}

_SCHEMAS = """
    select n.nspname, array_remove(array[
        case when has_schema_privilege($1, n.oid, 'usage') then 'usage' end,
        case when has_schema_privilege($1, n.oid, 'create') then 'create' end], null) as may
      from pg_namespace n where n.nspname = any($2) or n.nspname = 'public'
"""
_RELATIONS = """
    select n.nspname || '.' || c.relname as relation, c.relispartition as partition, array_remove(array[
        case when has_table_privilege($1, c.oid, 'select') then 'select' end,
        case when has_table_privilege($1, c.oid, 'insert') then 'insert' end,
        case when has_table_privilege($1, c.oid, 'update') then 'update' end,
        case when has_table_privilege($1, c.oid, 'delete') then 'delete' end,
        case when has_table_privilege($1, c.oid, 'truncate') then 'truncate' end,
        case when has_table_privilege($1, c.oid, 'references') then 'references' end,
        case when has_table_privilege($1, c.oid, 'trigger') then 'trigger' end], null) as may
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = any($2) and c.relkind in ('r', 'p', 'v', 'm', 'f')
"""
_COLUMNS = """
    select n.nspname || '.' || c.relname as relation, p.privilege,
           array_agg(a.attname::text order by a.attname) as columns
      from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
     cross join (values ('select'), ('insert'), ('update'), ('references')) as p(privilege)
     where n.nspname = any($2) and c.relkind in ('r', 'p', 'v') and not c.relispartition
       and a.attnum > 0 and not a.attisdropped
       and has_column_privilege($1, c.oid, a.attnum, p.privilege) and not has_table_privilege($1, c.oid, p.privilege)
     group by 1, 2
"""
_SEQUENCES = """
    select n.nspname || '.' || c.relname as sequence, array_remove(array[
        case when has_sequence_privilege($1, c.oid, 'usage') then 'usage' end,
        case when has_sequence_privilege($1, c.oid, 'select') then 'select' end,
        case when has_sequence_privilege($1, c.oid, 'update') then 'update' end], null) as may
      from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = any($2) and c.relkind = 'S'
"""
_FUNCTIONS = """
    select distinct n.nspname || '.' || p.proname as function
      from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     where n.nspname = any($2) and has_function_privilege($1, p.oid, 'execute')
"""
_ATTRIBUTES = """
    select rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls,
           exists (select from pg_auth_members where member = r.oid) as member,
           exists (select from pg_class where relowner = r.oid) as owner
      from pg_roles r where rolname = $1
"""


async def _allowed(session: asyncpg.Connection, role: str) -> dict[str, Any]:
    name = f"city_{role}"
    relations = [row for row in await session.fetch(_RELATIONS, name, SCHEMAS) if row["may"]]
    columns: dict[str, dict[str, list[str]]] = {}
    for row in await session.fetch(_COLUMNS, name, SCHEMAS):
        columns.setdefault(row["relation"], {})[row["privilege"]] = row["columns"]
    return {
        "schemas": {row["nspname"]: row["may"] for row in await session.fetch(_SCHEMAS, name, SCHEMAS) if row["may"]},
        "relations": {row["relation"]: row["may"] for row in relations if not row["partition"]},
        "partitions by name": [row["relation"] for row in relations if row["partition"]],
        "columns": columns,
        "sequences": {
            row["sequence"]: row["may"] for row in await session.fetch(_SEQUENCES, name, SCHEMAS) if row["may"]
        },
        "functions": sorted(row["function"] for row in await session.fetch(_FUNCTIONS, name, SCHEMAS)),
        "database": {
            right: bool(
                await session.fetchval("select has_database_privilege($1, current_database(), $2)", name, right)
            )
            for right in ("connect", "create", "temporary")
        },
        "role": dict(await session.fetchrow(_ATTRIBUTES, name)),
    }


async def test_every_role_may_what_the_committed_table_says_and_nothing_else(database: Database):
    async with database.session() as session:
        found = {role: await _allowed(session, role) for role in ROLES}
    if os.environ.get("ROLES_GOLDEN") == "write":
        GOLDEN.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    assert found == json.loads(GOLDEN.read_text(encoding="utf-8"))


def golden() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(GOLDEN.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("role", ROLES)
def test_the_table_gives_no_service_more_than_its_own(role: str):
    allowed = golden()[role]
    assert not any(allowed["role"].values()), "no attribute, no membership, no ownership"
    assert allowed["database"] == {"connect": True, "create": False, "temporary": False}
    assert allowed["partitions by name"] == []
    assert all(rights == ["usage"] for rights in allowed["schemas"].values())
    assert set(allowed["schemas"]) <= {role, "bus", "vault"}
    for relation, rights in allowed["relations"].items():
        assert not {"truncate", "references", "trigger"} & set(rights), relation
        assert relation.partition(".")[0] in {role, "bus"}, relation
    own_of_bus = {relation: rights for relation, rights in allowed["relations"].items() if relation.startswith("bus.")}
    known = {"bus.node": ["select"], "bus.installed": ["select"]}
    if role != "relay":
        known |= {"bus.kept_term": ["select"]}
    if role not in {"bus", "relay"}:
        says = ["insert", "update", "delete"] if role == "exchange" else []
        known |= {"bus.catching_up": ["select", *says]}
    if role == "bus":
        assert own_of_bus == {**known, "bus.event_head": ["select"]}, "it reads no body and takes nothing out"
    elif role == "relay":
        assert own_of_bus == {**known, "bus.event_head": ["select"], "bus.event_published": ["select", "update"]}
    else:
        bodies = {f"bus.body_{name}": ["select"] for name in NODE.service(role).bodies}
        assert own_of_bus == {**known, **bodies, "bus.event": ["insert"], "bus.event_queue": ["insert"]}


@pytest.mark.parametrize(("role", "relation"), [(role, name) for role, names in APPEND_ONLY.items() for name in names])
def test_the_table_lets_nobody_change_what_is_only_added_to(role: str, relation: str):
    assert set(golden()[role]["relations"][relation]) == {"select", "insert"}
    assert relation not in golden()[role]["columns"]
    for other in set(ROLES) - {role}:
        assert relation not in golden()[other]["relations"]


@pytest.mark.parametrize("service", NODE.services, ids=lambda service: service.name)
def test_the_vaults_functions_are_for_who_declares_them(service: Any):
    functions = {name for name in golden()[service.name]["functions"] if name.startswith("vault.")}
    assert functions == {f"vault.{name}" for name in service.vault}
    assert ("vault" in golden()[service.name]["schemas"]) is bool(service.vault)


@pytest.mark.parametrize("reader", NODE.services, ids=lambda service: service.name)
def test_streams_are_read_by_who_handles_them_and_the_catalogue_by_all(reader: Any):
    read = {name for name in golden()[reader.name]["functions"] if name.startswith("bus.read_")}
    expected = {f"bus.read_{stream}" for stream in {*NODE.streams_of(reader), NODE.follow}}
    assert read == expected


async def test_whatever_keeps_idempotency_keys_prunes_them_and_the_catalogues_events_are_never_pruned(
    database: Database,
):
    async with database.session() as session:
        keeping = await session.fetch("select schemaname from pg_tables where tablename = 'idempotency'")
        pruned = await session.fetch("select distinct stream from bus.event_pruned")
    pruning = {service.name for service in NODE.services for kept in service.prunes if kept.name == "idempotency"}
    assert {row["schemaname"] for row in keeping} == pruning
    assert {row["stream"] for row in pruned} == {service.name for service in NODE.services} - {NODE.follow}


async def _relations(database: Database) -> dict[str, str]:
    """Every relation that is no partition, with one of its columns that may be named in an update."""
    async with database.session() as session:
        rows = await session.fetch(
            "select n.nspname || '.' || c.relname as relation, min(a.attname) as column"
            "  from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid"
            " where n.nspname = any($1) and c.relkind in ('r', 'p') and not c.relispartition and a.attnum > 0"
            "   and not a.attisdropped and a.attgenerated = '' and a.attidentity = '' group by 1",
            SCHEMAS,
        )
    return {row["relation"]: row["column"] for row in rows}


async def _may(session: asyncpg.Connection, statement: str) -> bool:
    """Whether the server lets it; what it then says of the values does not matter, and nothing stays."""
    transaction = session.transaction()
    await transaction.start()
    try:
        await session.execute(statement)
    except asyncpg.InsufficientPrivilegeError:
        return False
    except asyncpg.PostgresError:
        return True
    else:
        return True
    finally:
        await transaction.rollback()


@pytest.mark.parametrize("role", ROLES)
async def test_connected_as_a_role_each_relation_gives_exactly_what_the_table_says(database: Database, role: str):
    allowed, relations = golden()[role], await _relations(database)
    assert len(relations) > 20
    async with database.session(role) as session:
        for relation, column in relations.items():
            rights = allowed["relations"].get(relation, [])
            tried = {
                "select": f"select 1 from {relation} limit 0",
                "insert": f"insert into {relation} default values",
                "update": f'update {relation} set "{column}" = default where false',
                "delete": f"delete from {relation} where false",
                "truncate": f"truncate {relation}",
            }
            for right, statement in tried.items():
                if right != "update" or relation not in allowed["columns"]:
                    assert await _may(session, statement) is (right in rights), (role, relation, right)


async def test_an_access_cannot_be_changed_or_removed_by_the_service_that_keeps_it(database: Database):
    async with database.session() as session:
        await session.execute(
            "insert into query.access (part, id, key, at, legal_date, data)"
            " values (0, gen_random_uuid(), gen_random_uuid(), now(), current_date, '{}')"
        )
    async with database.session("query") as session:
        assert await session.fetchval("select count(*) from query.access") == 1
        for statement in (
            "update query.access set data = ''",
            "delete from query.access",
            "truncate query.access",
            "update query.access_0 set data = ''",
            "delete from query.access_0",
            "alter table query.access disable trigger all",
            "drop table query.access",
            "create table query.mine (a integer)",
            "create table public.mine (a integer)",
            "create temporary table mine (a integer)",
            "set role city_ddl",
            "copy (select 1) to program 'true'",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await session.execute(statement)
        assert await session.fetchval("select count(*) from query.access") == 1


@pytest.mark.parametrize("statement", ["update ingestion.revision set data = ''", "delete from ingestion.revision"])
async def test_a_revision_cannot_be_changed_or_removed_by_the_service_that_writes_it(
    database: Database, statement: str
):
    async with database.session("ingestion") as session:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await session.execute(statement)


async def test_an_authorisation_changes_in_the_count_of_its_uses_and_its_end_alone(database: Database):
    async with database.session("query") as session:
        assert await _may(session, "update query.authorisation set uses = uses + 1 where false")
        assert await _may(session, "update query.authorisation set revoked_at = clock_timestamp() where false")
        for column in ("token", "subject", "bureau", "max_uses", "valid_until"):
            assert not await _may(session, f"update query.authorisation set {column} = {column} where false"), column


async def test_an_entry_of_a_feed_changes_in_what_may_be_erased_alone(database: Database):
    async with database.session("exchange") as session:
        assert await _may(session, "update exchange.received_page set data = '' where false")
        for column in ("peer", "feed", "first", "until"):
            change = f'update exchange.received_page set "{column}" = "{column}" where false'
            assert not await _may(session, change), column
        assert not await _may(session, "delete from exchange.received_page where false")
        assert await _may(session, "update exchange.feed_entry set salt = null, body = null where false")
        # An entry that came back points to whom it is about when its record is here again.
        assert await _may(
            session, "update exchange.feed_entry set subject = null, item = null, party = null where false"
        )
        for column in ("line", "feed", "index", "record", "rev", "change"):
            change = f'update exchange.feed_entry set "{column}" = "{column}" where false'
            assert not await _may(session, change), column
        assert not await _may(session, "delete from exchange.feed_entry where false")


@pytest.mark.parametrize("role", ROLES)
async def test_the_vaults_tables_are_nobodys(database: Database, role: str):
    async with database.session(role) as session:
        for table in ("subject", "identity", "split", "known"):
            for statement in (f"select * from vault.{table}", f"delete from vault.{table}"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await session.execute(statement)


CALLS = {
    "resolve": "select * from vault.resolve('{}', '{}', '{}', 'k', 'a', '{}', '{}')",
    "open": "select * from vault.open('{}', '{}', 'k', 'a')",
    "look_up": "select * from vault.look_up('{}', '{}', '{}')",
    "identify": "select * from vault.identify('{}', '{}', '{}', '{}', 'k', 'a', 'k', 'a', '{}', '{}')",
    "kinds": "select * from vault.kinds('{}')",
    "know": "select vault.know('{}', '{}')",
}


@pytest.mark.parametrize("role", ROLES)
async def test_the_vaults_functions_answer_who_declares_them(database: Database, role: str):
    declared = {service.name: service.vault for service in NODE.services}.get(role, frozenset())
    async with database.session(role) as session:
        for name, call in CALLS.items():
            assert await _may(session, call) is (name in declared), (role, name)


async def test_a_reader_reports_for_itself_only(database: Database):
    async with database.session("query") as session:
        await session.execute("select bus.report('query', 'ingestion', '{0}', '{0}')")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await session.execute("select bus.report('ingestion', 'catalogue', '{0}', '{9}')")


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_enters_its_own_node_only(postgres: Postgres, database: Database, role: str):
    other = await postgres.database(node="town", packages=NODE.services)
    with pytest.raises(DatabaseError) as refused:
        await connect(database.addresses[role].of(other.name), application_name="test")
    assert refused.value.sqlstate == "42501"
    await other.close()


async def test_a_password_is_needed_and_is_each_roles_own(database: Database):
    own = database.addresses["query"]
    for password in ("", "guessed", database.addresses["ingestion"].password):
        with pytest.raises(DatabaseError) as refused:
            await connect(replace(own, password=password), application_name="test")
        assert refused.value.sqlstate == "28P01"


async def test_a_grant_too_many_is_found(database: Database):
    """The control: the table is read from the database, and an added right shows in it."""
    async with database.session() as session:
        transaction = session.transaction()
        await transaction.start()
        await session.execute('grant select on vault.identity to "city_gateway"')
        await session.execute('grant update (data) on query.access to "city_query"')
        gateway, query = await _allowed(session, "gateway"), await _allowed(session, "query")
        await transaction.rollback()
    assert gateway["relations"]["vault.identity"] == ["select"]
    assert query["columns"]["query.access"] == {"update": ["data"]}
