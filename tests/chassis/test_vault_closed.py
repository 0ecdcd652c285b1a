"""Somebody whose key is to go: closed they are found and sealed for as before, and what is accepted opens them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.vault.ciphers import Erased
from creditmesh.chassis.vault.keys import Keys
from creditmesh.chassis.vault.subjects import Erasing, Vault
from creditmesh.schemas.identifiers import SubjectKind
from creditmesh.schemas.pii import Pii
from creditmesh.schemas.rules.identity import Identity
from tests.support.postgres import Database, Postgres

LONG_AGO = "update vault.subject set closed_at = closed_at - interval '1 hour'"
STANDS = "select wrapped is not null as key, closed_at is not null as closed from vault.subject where id = $1"


class Package:
    name, package = "sample", "tests.chassis.sample"
    vault = frozenset({"resolve", "open", "identify", "kinds", "know", "erase"})


@pytest.fixture(scope="module")
async def database(postgres: Postgres) -> AsyncIterator[Database]:
    made = await postgres.database(packages=(Package(),), parts=5)  # type: ignore[arg-type]
    yield made
    await made.close()


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    folder: Path = tmp_path_factory.mktemp("vault")
    Keys.create(folder)
    return Keys.load(folder, ["index", "data"])


@pytest.fixture
def vault(database: Database, keys: Keys) -> Vault:
    """A process that has nobody in memory."""
    return Vault(database.pool("sample"), keys, parts=5)


def person(number: int) -> Identity:
    return Identity("natural_person", "resident_id", Pii(f"99000000000000{number:04d}"))


async def step(database: Database, vault: Vault, subject: UUID, what: Erasing) -> bool:
    async with database.pool("sample").session() as session:
        return await vault.erase(session, [subject], what) == {subject}


async def known(database: Database, vault: Vault, subject: UUID, kind: SubjectKind | None = "natural_person") -> None:
    async with database.pool("sample").session() as session:
        await vault.know(session, {subject: kind})


async def stands(database: Database, subject: UUID) -> tuple[bool, bool]:
    async with database.session() as session:
        row = await session.fetchrow(STANDS, subject)
    return row["key"], row["closed"]


async def closed(database: Database, vault: Vault, number: int) -> UUID:
    (subject,), _ = await vault.identify([person(number)])
    await known(database, vault, subject)
    assert await step(database, vault, subject, "close")
    async with database.session() as session:
        await session.execute(LONG_AGO)
    return subject


async def test_who_is_closed_is_found_and_opened_by_everybody_and_kept_in_memory_by_nobody(
    database: Database, vault: Vault, keys: Keys
):
    subject = await closed(database, vault, 1)
    other = Vault(database.pool("sample"), keys, parts=5)
    for _ in range(2):
        assert await other.resolve([person(1)]) == await other.find([person(1)]) == [subject]
        assert set(await other.open([subject])) == {subject}
        assert (await other.identify([person(1)]))[0] == [subject]
    assert (len(other._subjects), len(other._ciphers)) == (0, 0)
    assert await stands(database, subject) == (True, True), "naming somebody opens nobody"
    assert await step(database, other, subject, "destroy")
    assert await stands(database, subject) == (False, True)
    with pytest.raises(Erased):
        await other.open([subject])
    (new,), _ = await other.identify([person(1)])
    assert new != subject, "who comes under the number is somebody new"


@pytest.mark.parametrize("kind", ["natural_person", "sole_trader", None])
async def test_what_is_accepted_of_who_is_closed_opens_them_and_their_key_stays(
    database: Database, vault: Vault, kind: SubjectKind | None
):
    subject = await closed(database, vault, {"natural_person": 11, "sole_trader": 12, None: 13}[kind])
    await known(database, vault, subject, kind)
    assert await stands(database, subject) == (True, False)
    assert not await step(database, vault, subject, "destroy")
    assert await vault.kinds([subject]) == {subject: kind or "natural_person"}


@pytest.mark.parametrize("kind", ["natural_person", None])
async def test_what_was_to_be_accepted_of_who_is_destroyed_by_then_is_tried_again(
    database: Database, vault: Vault, kind: SubjectKind | None
):
    subject = await closed(database, vault, 21 if kind else 22)
    async with database.pool("sample").session() as session, database.pool("sample").session() as eraser:
        await eraser.begin()
        assert await vault.erase(eraser, [subject], "destroy") == {subject}
        await session.begin()
        accepting = asyncio.create_task(vault.know(session, {subject: kind}))
        assert not (await asyncio.wait([accepting], timeout=0.2))[0], "it waits for who destroys them"
        await eraser.commit()
        with pytest.raises(DatabaseError) as waited:
            await accepting
        await session.rollback()
        with pytest.raises(DatabaseError) as later:
            await vault.know(session, {subject: kind})
    assert waited.value.passing
    assert later.value.passing
    assert await vault.kinds([subject]) == {}


async def test_who_is_looked_up_while_they_are_destroyed_is_somebody_new(database: Database, vault: Vault, keys: Keys):
    subject = await closed(database, vault, 31)
    other = Vault(database.pool("sample"), keys, parts=5)
    async with database.pool("sample").session() as eraser:
        await eraser.begin()
        assert await vault.erase(eraser, [subject], "destroy") == {subject}
        asking = asyncio.create_task(other.identify([person(31)]))
        assert not (await asyncio.wait([asking], timeout=0.2))[0], "it waits for who destroys them"
        await eraser.commit()
    (new,), ciphers = await asking
    assert new != subject
    assert set(ciphers) == {new}


async def test_who_is_looked_up_while_their_opening_is_under_way_is_found_at_once(
    database: Database, vault: Vault, keys: Keys
):
    subject = await closed(database, vault, 41)
    other = Vault(database.pool("sample"), keys, parts=5)
    async with database.pool("sample").session() as session:
        await session.begin()
        await vault.know(session, {subject: "natural_person"})
        (found,), _ = await asyncio.wait_for(other.identify([person(41)]), 3)  # whose transaction may be the same
        await session.commit()
    assert found == subject
    assert await stands(database, subject) == (True, False)
