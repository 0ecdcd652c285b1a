"""Who was known by kind, document and number is known by document and number, and nobody becomes two by it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zlib import crc32

import pytest
from prometheus_client import REGISTRY

from creditmesh.chassis.vault.index import index_of
from creditmesh.chassis.vault.keys import Keys
from creditmesh.chassis.vault.subjects import Vault
from creditmesh.schemas.identifiers import DocumentType, SubjectKind
from creditmesh.schemas.rules.identity import Identity, identify
from creditmesh.schemas.rules.numbers import organisation_check, resident_check, uscc_check
from tests.support.postgres import Database, Postgres

PARTS = 5


class Package:
    name, package = "sample", "tests.chassis.sample"
    vault = frozenset({"resolve", "open", "identify", "look_up"})


@pytest.fixture(scope="module")
async def database(postgres: Postgres) -> AsyncIterator[Database]:
    made = await postgres.database(packages=(Package(),), parts=PARTS)  # type: ignore[arg-type]
    yield made
    await made.close()


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    folder: Path = tmp_path_factory.mktemp("vault")
    Keys.create(folder)
    return Keys.load(folder, ["index", "data"])


def vault(database: Database, keys: Keys) -> Vault:
    return Vault(database.pool("sample"), keys, parts=PARTS)


def resident(order: int) -> str:
    first = f"99000019800101{order:03d}"
    return first + resident_check(first)


def old(order: int) -> str:
    return resident(order)[:6] + resident(order)[8:17]


def code(order: int, head: str = "91") -> str:
    body = f"MA{order:06d}"
    first = f"{head}990000{body}{organisation_check(body)}"
    return first + uscc_check(first)


def who(kind: SubjectKind, document: DocumentType, number: str) -> Identity:
    found = identify(kind, document, number)
    assert isinstance(found, Identity)
    return found


async def known_before(database: Database, keys: Keys, text: str, *, sealed_for: bool) -> UUID:
    """A subject as the version before left it: known by `kind|document|number`, with a data key if it has records."""
    subject = uuid4()
    async with database.session() as session:
        part = crc32(str(subject).encode()) % PARTS
        await session.execute("insert into vault.subject (id, kind, part) values ($1, 'k', $2)", subject, part)
        await session.execute(
            "insert into vault.identity (index, subject, key_id, alg) values ($1, $2, 'k', 'a')",
            keys.mac("index", text.encode()),
            subject,
        )
    if sealed_for:
        await vault(database, keys).open([subject])
    return subject


@pytest.mark.parametrize(
    ("before", "identity"),
    [
        (f"natural_person|resident_id|{resident(1)}", ("natural_person", "resident_id", resident(1))),
        (f"natural_person|resident_id|{old(2)}", ("natural_person", "resident_id", resident(2))),
        (f"natural_person|foreign_resident_id|{resident(3)}", ("natural_person", "resident_id", resident(3))),
        ("natural_person|hk_macao_permit|H1234567807", ("natural_person", "hk_macao_permit", "H12345678")),
        ("natural_person|taiwan_permit|1234567803", ("natural_person", "taiwan_permit", "12345678")),
        ("natural_person|passport|E12345678", ("natural_person", "passport", "e12345678")),
        (f"organisation|uscc|{code(4)}", ("organisation", "uscc", code(4))),
        (f"organisation|uscc|{code(5, '92')}", ("sole_trader", "uscc", code(5, "92"))),
        (f"sole_trader|uscc|{code(6)}", ("organisation", "uscc", code(6))),
        (f"organisation|uscc|{code(7)[8:17]}", ("organisation", "uscc", code(7))),
        ("sole_trader|registration|990000612345678", ("sole_trader", "registration", "990000612345678")),
        # Where `identify` makes another document of the one that was shown.
        (f"sole_trader|registration|{code(8, '92')}", ("sole_trader", "registration", code(8, "92"))),
        (f"sole_trader|registration|{code(9, '92')}", ("sole_trader", "uscc", code(9, "92"))),
        (f"natural_person|foreign_resident_id|{resident(4)}", ("natural_person", "foreign_resident_id", resident(4))),
        (f"natural_person|resident_id|{resident(5)}", ("natural_person", "household_register", resident(5))),
        (f"natural_person|resident_id|{resident(6)}", ("natural_person", "residence_permit", resident(6))),
    ],
)  # fmt: skip
@pytest.mark.parametrize("call", ["resolve", "find", "identify", "look_up"])
async def test_who_was_known_before_is_the_same_subject(
    database: Database, keys: Keys, before: str, identity: Any, call: str
):
    await _forget(database)
    subject = await known_before(database, keys, before, sealed_for=True)
    for each in (vault(database, keys), vault(database, keys)):
        found = await getattr(each, call)([who(*identity)])
        assert (found[0] if isinstance(found, tuple) else found) == [subject]
    async with database.session() as session:
        assert await session.fetchval("select count(*) from vault.split") == 0
        assert await session.fetchval("select count(*) from vault.subject") == 1


async def test_who_has_records_goes_before_who_was_only_asked_about_under_a_wrong_kind(database: Database, keys: Keys):
    await _forget(database)
    number = code(10, "92")
    await known_before(database, keys, f"organisation|uscc|{number}", sealed_for=False)
    trader = await known_before(database, keys, f"sole_trader|uscc|{number}", sealed_for=True)
    assert (await vault(database, keys).look_up([who("organisation", "uscc", number)]))[0] == [trader]
    assert await vault(database, keys).resolve([who("organisation", "uscc", number)]) == [trader]
    async with database.session() as session:
        assert await session.fetchval("select count(*) from vault.split") == 0


async def test_one_person_with_two_files_is_told_and_keeps_the_one_of_the_right_kind(database: Database, keys: Keys):
    await _forget(database)
    number = code(11, "92")
    other = await known_before(database, keys, f"organisation|uscc|{number}", sealed_for=True)
    kept = await known_before(database, keys, f"sole_trader|uscc|{number}", sealed_for=True)
    assert (await vault(database, keys).look_up([who("sole_trader", "uscc", number)]))[0] == [kept]
    for call in ("resolve", "identify"):
        before = REGISTRY.get_sample_value("creditmesh_split_subjects_total") or 0.0
        found = await getattr(vault(database, keys), call)([who("sole_trader", "uscc", number)])
        assert (found[0] if call == "identify" else found) == [kept]
        assert REGISTRY.get_sample_value("creditmesh_split_subjects_total") == before + 1
    async with database.session() as session:
        assert [tuple(row) for row in await session.fetch("select kept, other from vault.split")] == [(kept, other)]


async def test_a_file_found_late_is_told_too(database: Database, keys: Keys):
    """An organisation asked for by its nine characters first: what it was before cannot be computed from those."""
    await _forget(database)
    before = await known_before(database, keys, f"organisation|uscc|{code(12)}", sealed_for=True)
    (new,) = await vault(database, keys).resolve([who("organisation", "uscc", code(12)[8:17])])
    assert new != before
    assert await vault(database, keys).resolve([who("organisation", "uscc", code(12))]) == [new]
    async with database.session() as session:
        assert [tuple(row) for row in await session.fetch("select kept, other from vault.split")] == [(new, before)]


async def test_many_processes_at_once_take_over_the_same_subject(database: Database, keys: Keys):
    await _forget(database)
    subjects = [
        await known_before(database, keys, f"natural_person|resident_id|{resident(n)}", sealed_for=True)
        for n in range(100, 130)
    ]
    people = [who("natural_person", "resident_id", resident(n)) for n in range(100, 130)]
    answers = await asyncio.gather(*(vault(database, keys).resolve(people) for _ in range(4)))
    assert answers == [subjects] * 4


async def test_who_is_new_is_known_by_the_new_value_alone(database: Database, keys: Keys):
    await _forget(database)
    person = who("natural_person", "resident_id", resident(200))
    await vault(database, keys).resolve([person])
    async with database.session() as session:
        rows = await session.fetch("select index from vault.identity")
    assert [bytes(row["index"]) for row in rows] == [index_of(keys, person)]


async def _forget(database: Database) -> None:
    async with database.session() as session:
        await session.execute("truncate vault.split, vault.data_key, vault.identity, vault.subject")
