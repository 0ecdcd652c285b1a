"""Who is known, and of which kind: by what was accepted of them, and never by who asks or by a row that waits."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from creditmesh.chassis.vault.keys import Keys
from creditmesh.chassis.vault.subjects import Vault
from creditmesh.schemas.identifiers import SubjectKind
from creditmesh.schemas.pii import Pii
from creditmesh.schemas.rules.identity import Identity
from tests.support.postgres import Database, Postgres


class Package:
    name, package = "sample", "tests.chassis.sample"
    vault = frozenset({"resolve", "open", "identify", "kinds", "know"})


@pytest.fixture(scope="module")
async def database(postgres: Postgres) -> AsyncIterator[Database]:
    made = await postgres.database(packages=(Package(),), parts=5)  # type: ignore[arg-type]
    yield made
    await made.close()


@pytest.fixture(scope="module")
def vault(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Vault:
    folder: Path = tmp_path_factory.mktemp("vault")
    Keys.create(folder)
    return Vault(database.pool("sample"), Keys.load(folder, ["index", "data"]), parts=5)


def body(order: int, kind: SubjectKind = "organisation") -> Identity:
    return Identity(kind, "uscc", Pii(f"91990000MA{order:07d}X"))


async def know(database: Database, vault: Vault, kinds: dict[UUID, SubjectKind], *, commit: bool = True) -> None:
    async with database.pool("sample").session() as session:
        await session.begin()
        await vault.know(session, kinds)
        await (session.commit() if commit else session.rollback())


async def test_who_was_asked_for_or_sealed_for_is_not_known_until_something_is_accepted(
    database: Database, vault: Vault
):
    asked, sealed = body(1, "sole_trader"), body(2)
    (first,), ((second,), _) = await vault.resolve([asked]), await vault.identify([sealed])
    assert await vault.known([asked, sealed, body(3)]) == [None, None, None]
    assert await vault.kinds([first, second]) == {}
    await know(database, vault, {first: "organisation"})
    assert await vault.known([sealed, asked]) == [None, first]
    assert await vault.kinds([first, second]) == {first: "organisation"}, "what the asking said is nobody's kind"


async def test_of_who_is_nobodys_subject_nothing_is_kept(database: Database, vault: Vault):
    (there,), _ = await vault.identify([body(30)])
    await know(database, vault, {there: "organisation", UUID(int=30): "organisation"})
    async with database.session() as session:
        kept = await session.fetch("select subject from vault.known where subject = any($1)", [there, UUID(int=30)])
    assert [row["subject"] for row in kept] == [there]


async def test_every_index_value_has_its_subject_without_a_look_back(database: Database, vault: Vault):
    people = [body(order) for order in range(40, 60)]
    found = await asyncio.gather(*(vault.identify(people[first:] + people[:first]) for first in range(0, 20, 5)))
    assert {frozenset(subjects) for subjects, _ in found} == {frozenset(found[0][0])}
    async with database.session() as session:
        looks = await session.fetchval(
            "select count(*) from pg_constraint where confrelid = 'vault.subject'::regclass"
            " and conrelid in ('vault.identity'::regclass, 'vault.known'::regclass)"
        )
        alone = await session.fetchval(
            "select count(*) from vault.identity i where not exists"
            " (select from vault.subject s where s.id = i.subject)"
        )
    assert (looks, alone) == (0, 0)


async def test_the_newest_that_was_accepted_says_the_kind(database: Database, vault: Vault):
    (subject,) = await vault.resolve([body(10)])
    for kind in ("organisation", "sole_trader", "sole_trader", "organisation"):
        await know(database, vault, {subject: kind})
        assert await vault.kinds([subject]) == {subject: kind}


async def test_what_is_rolled_back_makes_nobody_known(database: Database, vault: Vault):
    (subject,) = await vault.resolve([body(20)])
    await know(database, vault, {subject: "organisation"}, commit=False)
    assert await vault.known([body(20)]) == [None]


async def test_two_transactions_that_know_the_same_people_wait_for_each_other_and_never_in_a_circle(
    database: Database, vault: Vault
):
    subjects = await vault.resolve([body(100 + n) for n in range(200)])
    orders = [subjects, subjects[::-1]] * 4
    await asyncio.gather(*(know(database, vault, dict.fromkeys(order, "organisation")) for order in orders))
    assert len(await vault.kinds(subjects)) == len(subjects)


ENTER = """
select vault.enter(array_agg(sha256(id::text::bytea)), array_agg(id), array_agg(1), array_agg(sha256('')),
                   'i', 'mac', 'd', 'aead', '{}', '{}')
  from unnest(cast($1 as uuid[])) as id
"""
KNOW = "select vault.know($1, array_fill('organisation'::text, array[cardinality(cast($1 as uuid[]))]))"
RECORDS = "select wal_records from pg_stat_get_backend_wal(pg_backend_pid())"


async def test_who_is_new_costs_one_record_of_the_log_for_a_row_and_one_for_each_of_its_indexes(database: Database):
    subjects = [uuid4() for _ in range(1000)]
    async with database.session() as session:
        written = []
        for statement in (ENTER, KNOW):
            await session.execute("select pg_stat_force_next_flush()")
            before = await session.fetchval(RECORDS)
            await session.execute(statement, subjects)
            await session.execute("select pg_stat_force_next_flush()")
            written.append(await session.fetchval(RECORDS) - before)
    # Of an index value and its subject there are two rows and three entries, of who is known one and one.
    assert written[0] < 5_500
    assert written[1] < 2_300


async def test_an_index_value_that_is_given_twice_in_one_call_has_one_subject(database: Database):
    twice = [uuid4(), uuid4()]
    async with database.session() as session:
        await session.execute(ENTER.replace("id::text::bytea", "'twice'"), twice)
        await session.execute(KNOW, twice)
        assert await session.fetchval("select count(*) from vault.known where subject = any($1)", twice) == 1


async def test_a_service_does_neither_without_declaring_it(database: Database, vault: Vault, tmp_path: Path):
    Keys.create(tmp_path)
    other = Vault(database.pool("sample"), Keys.load(tmp_path, ["index", "data"]), parts=5, allowed={"resolve"})
    with pytest.raises(PermissionError, match="kinds"):
        await other.kinds([])
    async with database.pool("sample").session() as session:
        with pytest.raises(PermissionError, match="know"):
            await other.know(session, {})
