"""Migrations and roles: a node is made once, fixed for life, and each role sees its own schema and nothing else."""

import asyncio
import os
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic.script import ScriptDirectory

from creditmesh.chassis.database.connecting import connect
from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.database.migrating import migrate
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.database.runner import config_of
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.database.upgrading import StillRunning
from creditmesh.chassis.database.versions import CHASSIS, Migrated, Upgraded, assert_node, head_of, versions_of
from creditmesh.chassis.facts import Facts, WrongNode
from creditmesh.node.declaration import NODE
from tests.chassis.sample import OTHER, SAMPLE
from tests.support.postgres import Database, Postgres

PACKAGES = (SAMPLE, OTHER)
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
async def database(postgres: Postgres) -> AsyncIterator[Database]:
    made = await postgres.database(packages=PACKAGES, parts=3)
    yield made
    await made.close()


RELATIONS = """
    select c.oid, n.nspname, c.relname, c.relkind, c.relacl::text
      from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname !~ '^pg_' order by 1
"""
FUNCTIONS = """
    select p.oid, n.nspname, p.proname, p.proacl::text
      from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname in ('bus', 'vault') order by 1
"""
SCHEMAS = "select oid, nspname, nspacl::text from pg_namespace where nspname !~ '^pg_' order by 1"
DATABASE = "select datname, datacl::text from pg_database where datname = current_database()"
CONTENT = (RELATIONS, FUNCTIONS, SCHEMAS, DATABASE)


async def content(database: Database) -> list[tuple[object, ...]]:
    """Every relation, function and grant there is, with the object ids, which a second creation would change."""
    async with database.session() as connection:
        return [tuple(row) for statement in CONTENT for row in await connection.fetch(statement)]


async def test_a_second_migration_changes_nothing(postgres: Postgres):
    database = await postgres.database(packages=PACKAGES, parts=3)
    before = await content(database)
    await migrate(
        postgres.admin,
        node="city",
        tier="city",
        parts=3,
        packages=PACKAGES,
        secrets=postgres.secrets,
        database=database.name,
    )
    assert await content(database) == before


@pytest.mark.parametrize("people", [0, 1])
async def test_a_node_knows_whether_it_had_people_when_it_was_upgraded(postgres: Postgres, people: int):
    database = await postgres.database(packages=PACKAGES, parts=3)
    async with database.session() as session:
        assert await session.fetchval("select upgraded from bus.node") is False
        await session.execute("drop type bus.outgoing")
        await session.execute("drop table bus.catching_up")
        await session.execute("alter table bus.node drop column upgraded, drop column sandbox")
        await session.execute("update bus.alembic_version set version_num = 'bus_0008'")
        if people:
            await session.execute("insert into vault.subject (id, part) values (gen_random_uuid(), 0)")
            await session.execute("insert into vault.identity select '\\x01', id, 'k', 'a' from vault.subject")
        await migrate(
            postgres.admin, node="city", tier="city", parts=3, packages=PACKAGES, secrets=postgres.secrets,
            database=database.name,
        )  # fmt: skip
        assert await session.fetchval("select upgraded from bus.node") is bool(people)


@pytest.mark.parametrize("sandbox", [False, True])
async def test_what_a_node_from_before_is_told_at_its_upgrade_is_fixed(postgres: Postgres, *, sandbox: bool):
    database = await postgres.database(packages=PACKAGES, parts=3)
    given = {"node": "city", "tier": "city", "parts": 3, "packages": PACKAGES, "secrets": postgres.secrets}
    async with database.session() as session:
        await session.execute("alter table bus.node drop column sandbox")
        await session.execute("update bus.alembic_version set version_num = 'bus_0013'")
        await session.execute("update bus.installed set version = 'bus_0013' where package = 'bus'")
    await migrate(postgres.admin, **given, database=database.name, sandbox=sandbox)  # type: ignore[arg-type]
    with pytest.raises(WrongNode, match="fixed when a node is created"):
        await migrate(postgres.admin, **given, database=database.name, sandbox=not sandbox)  # type: ignore[arg-type]


@pytest.mark.parametrize("other", [{"parts": 4}, {"tier": "province"}, {"node": "town"}, {"sandbox": True}], ids=str)
async def test_other_facts_are_refused_and_touch_nothing(postgres: Postgres, database: Database, other: dict[str, Any]):
    before = await content(database)
    with pytest.raises(WrongNode, match="fixed when a node is created"):
        await migrate(
            postgres.admin,
            **{"node": "city", "tier": "city", "parts": 3, **other},
            packages=PACKAGES,
            secrets=postgres.secrets,
            database=database.name,
        )
    assert await content(database) == before


async def test_a_node_knows_what_it_is(database: Database):
    async with database.pool("ddl").session() as session:
        await assert_node(session, Facts(code="city", tier="city", parts=3))
        with pytest.raises(WrongNode, match="3 parts"):
            await assert_node(session, Facts(code="city", tier="city", parts=12))
        with pytest.raises(
            WrongNode, match=r"no sandbox\), not .*a sandbox.*CREDITMESH_NODE, _TIER, _PARTS and _SANDBOX"
        ):
            await assert_node(session, Facts(code="city", tier="city", parts=3, sandbox=True))


async def test_a_database_that_is_no_node_says_what_to_do(postgres: Postgres):
    pool = Pool(postgres.admin, application_name="test", size=1)
    try:
        async with pool.session() as session:
            with pytest.raises(WrongNode, match="creditmesh-node migrate"):
                await assert_node(session, Facts(code="city", tier="city", parts=3))
    finally:
        await pool.close()


async def test_a_table_is_partitioned_by_the_nodes_parts(database: Database):
    async with database.session() as connection:
        names = await connection.fetch(
            "select inhrelid::regclass::text as name from pg_inherits where inhparent = 'sample.fact'::regclass"
        )
    assert {row["name"] for row in names} == {"sample.fact_0", "sample.fact_1", "sample.fact_2"}


async def test_each_package_records_its_versions_in_its_own_schema(database: Database):
    async with database.session() as connection:
        assert await connection.fetchval("select version_num from sample.alembic_version") == "sample_0001"
        assert await connection.fetchval("select version_num from other.alembic_version") == "other_0001"
        assert str(await connection.fetchval("select version_num from vault.alembic_version")).startswith("vault_")
        assert await connection.fetchval("select to_regclass('public.alembic_version')") is None


async def test_a_failing_version_leaves_nothing_behind(postgres: Postgres):
    database = await postgres.database(packages=PACKAGES, parts=3)
    before = await content(database)

    async def declare(session: Session) -> None:
        await session.execute("create table bus.half (id integer)")
        raise RuntimeError("planted")

    with pytest.raises(RuntimeError, match="planted"):
        await migrate(
            postgres.admin,
            node="city",
            tier="city",
            parts=3,
            packages=PACKAGES,
            secrets=postgres.secrets,
            database=database.name,
            declare=declare,
        )
    assert await content(database) == before


async def test_what_is_declared_is_made_by_the_owner_of_the_schemas(postgres: Postgres):
    async def declare(session: Session) -> None:
        await session.execute("create table bus.declared (id integer)")

    database = await postgres.database(node="declared", packages=PACKAGES, parts=2, declare=declare)
    async with database.session() as connection:
        owner = await connection.fetchval("select tableowner from pg_tables where tablename = 'declared'")
    assert owner == "declared_ddl"


async def test_migrations_of_one_node_at_once_are_one(postgres: Postgres):
    async def migrated(node: str, times: int) -> list[tuple[str, ...]]:
        given = {"tier": "city", "parts": 2, "packages": PACKAGES, "secrets": postgres.secrets}
        await asyncio.gather(*(migrate(postgres.admin, node=node, **given) for _ in range(times)))
        made = Database(name=node, node=node, parts=2, admin=postgres.admin, secrets=postgres.secrets)
        async with made.session() as session:
            for table in ("bus.node", "bus.alembic_version", "sample.alembic_version", "other.alembic_version"):
                assert await session.fetchval(f"select count(*) from {table}") == 1, table
        for role in ROLES:
            async with made.session(role) as session:
                assert await session.fetchval("select 1") == 1
        found = await content(made)
        return sorted(tuple(str(word).replace(node, "") for word in row if not isinstance(word, int)) for row in found)

    assert await migrated("thrice", 3) == await migrated("lonely", 1)


async def test_an_upgrade_refuses_while_a_process_is_connected_and_says_which(postgres: Postgres):
    database = await postgres.database(packages=PACKAGES, parts=3)
    before = await content(database)
    pool = database.pool("sample")
    async with database.session() as session, pool.session() as running, database.session("other"):
        await running.value("select 1")
        assert await migrated(postgres, database) == [], "nothing is to be upgraded: who runs is left alone"
        await session.execute("update bus.installed set version = 'sample_0000' where package = 'sample'")
        with pytest.raises(
            StillRunning, match=rf"(?s)Stop every process.*停止.*process {os.getpid()} \(.*, since 2.*, sessions: 2\)$"
        ):
            await migrated(postgres, database)
        assert await running.value("select 1") == 1
        assert await session.fetchval("select version from bus.installed where package = 'sample'") == "sample_0000"
        async with database.session("sample") as other:
            assert await other.fetchval("select 1") == 1, "whoever was refused has closed nothing"
    await pool.close()
    assert await migrated(postgres, database) == [("sample", "sample_0000", "sample_0001")]
    assert await content(database) == before


@pytest.mark.parametrize("whole", [True, False], ids=["upgraded", "broke off"])
async def test_an_older_program_leaves_a_newer_database_as_it_is_and_says_so(postgres: Postgres, *, whole: bool):
    database = await postgres.database(packages=PACKAGES, parts=3)
    async with database.session() as session:
        await session.execute("update sample.alembic_version set version_num = 'sample_0002'")
        if whole:
            await session.execute("update bus.installed set version = 'sample_0002' where package = 'sample'")
    before = await content(database)
    with pytest.raises(WrongNode, match=r"newer.*'sample'.*sample_0002.*start that version.*高于本程序"):
        await migrated(postgres, database)
    assert await content(database) == before, "nothing was closed"
    if whole:
        async with database.pool("ddl").session() as running:
            with pytest.raises(WrongNode, match=r"newer.*start that version"):
                await assert_node(running, Facts(code="city", tier="city", parts=3), PACKAGES)


async def test_a_process_that_starts_during_an_upgrade_is_refused_until_one_has_ended_well(postgres: Postgres):
    database = await postgres.database(packages=PACKAGES, parts=3)
    refused: list[str] = []

    async def declare(session: Session) -> None:
        async with database.pool("sample").session():
            pass

    async with database.session() as session:
        await session.execute("update bus.installed set version = 'sample_0000' where package = 'sample'")
    for _ in range(2):  # one that broke off leaves the database closed
        with pytest.raises(DatabaseError) as caught:
            await migrated(postgres, database, declare=declare)
        refused.append(str(caught.value))
        with pytest.raises(DatabaseError, match=r"until `creditmesh-node migrate` has ended.*请之后再启动"):
            await connect(database.addresses["sample"], application_name="test")
    assert all("42501" in each and "migrate" in each for each in refused)
    await migrated(postgres, database)
    async with database.session("sample") as running:
        assert await running.fetchval("select 1") == 1


async def migrated(postgres: Postgres, database: Database, **more: Any) -> Sequence[Upgraded]:
    return await migrate(
        postgres.admin,
        node=database.node,
        tier="city",
        parts=database.parts,
        packages=PACKAGES,
        secrets=postgres.secrets,
        database=database.name,
        **more,
    )


async def test_a_fresh_node_is_made_in_seconds(postgres: Postgres):
    began = time.monotonic()
    await postgres.database(node="fast", packages=PACKAGES, parts=12)
    assert time.monotonic() - began < 60


ROLES = ("sample", "other", "bus", "ddl")
FORBIDDEN = {
    "another service's table": ("sample", "select * from other.secret"),
    "writing another service's table": ("sample", "insert into other.secret values (1)"),
    "another service's versions": ("sample", "select * from other.alembic_version"),
    "its own versions": ("sample", "select * from sample.alembic_version"),
    "changing an append-only table": ("sample", "update sample.fact set value = 'x'"),
    "removing from an append-only table": ("sample", "delete from sample.fact"),
    "emptying an append-only table": ("sample", "truncate sample.fact"),
    "changing a partition directly": ("sample", "update sample.fact_0 set value = 'x'"),
    "removing from a partition directly": ("sample", "delete from sample.fact_0"),
    "changing an idempotency key": ("sample", "update sample.idempotency set reference = reference"),
    "making a table": ("sample", "create table sample.mine (id integer)"),
    "making a table in public": ("sample", "create table public.mine (id integer)"),
    "making a schema": ("sample", "create schema mine"),
    "a temporary table": ("sample", "create temporary table mine (id integer)"),
    "the vault's subjects": ("sample", "select * from vault.subject"),
    "the vault's index": ("sample", "select * from vault.identity"),
    "opening without declaring it": ("other", "select * from vault.open('{}', '{}', 'k', 'a')"),
    "resolving without declaring it": (
        "other",
        "select * from vault.resolve('{}', '{}', '{}', 'k', 'a', '{}', '{}')",
    ),
    "the bus reading a service": ("bus", "select * from sample.fact"),
    "the bus opening the vault": ("bus", "select * from vault.open('{}', '{}', 'k', 'a')"),
    "becoming the owner": ("sample", "set role city_ddl"),
    "reading files": ("sample", "select pg_read_file('postgresql.conf')"),
    "running programs": ("sample", "copy (select 1) to program 'true'"),
    "passwords": ("sample", "select * from pg_authid"),
    "making roles": ("ddl", "create role mine"),
    "making databases": ("ddl", "create database mine"),
}


@pytest.mark.parametrize("name", FORBIDDEN)
async def test_a_role_cannot_do_what_it_was_not_granted(database: Database, name: str):
    role, statement = FORBIDDEN[name]
    async with database.session(role) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)


ALLOWED = {
    "adding to an append-only table": "insert into sample.fact values (0, gen_random_uuid(), 'x')",
    "reading an append-only table": "select * from sample.fact",
    "changing a table": "update sample.state set value = 'x'",
    "removing from a table": "delete from sample.state",
    "keeping an idempotency key": "insert into sample.idempotency values ('o', 'k', '', gen_random_uuid(), now())",
    "calling the vault": "select * from vault.open('{}', '{}', 'k', 'a')",
}


@pytest.mark.parametrize("name", ALLOWED)
async def test_a_role_can_do_what_it_was_granted(database: Database, name: str):
    async with database.session("sample") as connection:
        await connection.execute(ALLOWED[name])


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_connects_to_its_own_nodes_database_only(postgres: Postgres, database: Database, role: str):
    elsewhere = await postgres.database(node="province", packages=PACKAGES, parts=2)
    for name in (elsewhere.name, "postgres", "template1"):
        with pytest.raises(DatabaseError) as caught:
            await connect(database.addresses[role].of(name), application_name="test")
        assert caught.value.sqlstate == asyncpg.InsufficientPrivilegeError.sqlstate
    async with database.session(role) as connection:
        assert await connection.fetchval("select current_user") == f"city_{role}"


async def test_a_grant_that_is_no_longer_declared_is_taken_back(postgres: Postgres):
    database = await postgres.database(packages=PACKAGES, parts=3)
    less = SAMPLE.__class__(name=SAMPLE.name, package=SAMPLE.package, vault=frozenset({"resolve"}))
    await migrate(
        postgres.admin,
        node="city",
        tier="city",
        parts=3,
        packages=(less, OTHER),
        secrets=postgres.secrets,
        database=database.name,
    )
    async with database.session("sample") as connection:
        await connection.execute("select * from vault.resolve('{}', '{}', '{}', 'k', 'a', '{}', '{}')")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("select * from vault.open('{}', '{}', 'k', 'a')")


async def test_the_role_of_a_service_that_is_no_longer_declared_is_let_in_no_more(postgres: Postgres):
    database = await postgres.database(packages=PACKAGES, parts=3)
    for packages, outside in (((SAMPLE,), ["other"]), (PACKAGES, [])):
        await migrate(
            postgres.admin, node="city", tier="city", parts=3, packages=packages, secrets=postgres.secrets,
            database=database.name,
        )  # fmt: skip
        for role in ROLES:
            given = pytest.raises(DatabaseError, match="not let in") if role in outside else nullcontext()
            with given:
                await (await connect(database.addresses[role], application_name="test")).close()


def test_passwords_are_in_files_of_their_owner_only(postgres: Postgres, database: Database):
    folder = postgres.secrets / "roles"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = sorted(folder.glob("city_*"))
    assert {f"city_{role}" for role in ROLES} <= {path.name for path in files}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert len({path.read_text() for path in files}) == len(files)


@pytest.mark.parametrize("package", [*CHASSIS, *NODE.services], ids=lambda package: package.name)
def test_the_newest_of_a_packages_files_is_what_alembic_calls_its_head(package: Migrated):
    folder = versions_of(package.package)
    assert folder is not None
    script = ScriptDirectory.from_config(config_of(folder))
    assert head_of(package.package) == script.get_current_head()
    files = {path.stem.split("_", 2)[1] for path in folder.glob("*.py") if path.stem != "__init__"}
    assert files == {each.revision.split("_")[1] for each in script.walk_revisions()}, "each file is named for its own"


@pytest.mark.parametrize(
    ("name", "files", "head"),
    [
        ("tried_one", ["tried_one_0001.py"], "tried_one_0001"),
        ("tried2", ["tried2_0001.py", "tried2_0002_names_of_2018.py", "__init__.py"], "tried2_0002"),
        ("tried3", [], None),
    ],
)
def test_a_package_of_any_name_has_its_newest_file_as_its_head(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, files: list[str], head: str | None
):
    (tmp_path / name / "migrations").mkdir(parents=True)
    for file in files:
        (tmp_path / name / "migrations" / file).touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert head_of(name) == head


def test_a_file_beside_migrations_that_none_is_named_like_is_told_and_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "tried4" / "migrations").mkdir(parents=True)
    (tmp_path / "tried4" / "migrations" / "tried4_1.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match=r"tried4_1\.py"):
        head_of("tried4")


AGAIN = """
import asyncio, sys
from pathlib import Path, PosixPath
from creditmesh.chassis.database.address import DatabaseAddress
from creditmesh.chassis.database.migrating import migrate
from tests.chassis.sample import OTHER, SAMPLE
given = {{"node": "city", "tier": "city", "parts": 3, "packages": (SAMPLE, OTHER)}}
done = migrate({admin}, secrets={secrets!r}, database="{name}", **given)
print(asyncio.run(done), "sqlalchemy" in sys.modules)
"""


async def test_what_is_not_behind_is_upgraded_without_what_upgrades(postgres: Postgres, database: Database):
    code = AGAIN.format(admin=postgres.admin, secrets=postgres.secrets, name=database.name)
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["[]", "False"]


async def test_a_lost_password_file_gets_a_new_password(postgres: Postgres, tmp_path: Path):
    async def made(secrets: Path) -> None:
        await migrate(postgres.admin, node="lost", tier="city", parts=2, packages=PACKAGES, secrets=secrets)

    await made(postgres.secrets)
    await made(tmp_path)
    database = Database(name="lost", node="lost", parts=2, admin=postgres.admin, secrets=tmp_path)
    async with database.session("sample") as connection:
        assert await connection.fetchval("select 1") == 1
