"""Who was known by kind, document and number is known by document and number, and nobody becomes two by it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zlib import crc32

import pytest
from prometheus_client import REGISTRY

from creditmesh.chassis.vault.asked_for import WholeCodeNeeded, former_values
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
    vault = frozenset({"resolve", "open", "identify", "look_up", "kinds", "know"})


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


def vault(database: Database, keys: Keys, *, upgraded: bool = True) -> Vault:
    return Vault(database.pool("sample"), keys, parts=PARTS, upgraded=upgraded)


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
        await session.execute("insert into vault.subject (id, part) values ($1, $2)", subject, part)
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
        (f"sole_trader|uscc|{code(7)[8:17]}", ("organisation", "uscc", code(7))),
        (f"organisation|uscc|{code(7)[8:17]}", ("organisation", "uscc", code(7)[8:17])),
        (f"organisation|uscc|{code(7)[8:17]}", ("sole_trader", "uscc", code(7)[8:17])),
        (f"sole_trader|uscc|{code(7)[8:17]}", ("organisation", "uscc", code(7)[8:17])),
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


@pytest.mark.parametrize("stated", ["sole_trader", "organisation"])
@pytest.mark.parametrize(
    ("head", "right", "wrong"), [("92", "sole_trader", "organisation"), ("91", "organisation", "sole_trader")]
)
async def test_one_person_with_two_files_is_told_and_keeps_the_one_of_the_right_kind(
    database: Database, keys: Keys, *, head: str, right: str, wrong: str, stated: SubjectKind
):
    """The number says whose it is: a held row has a file too, and the kind that somebody states may be a slip."""
    await _forget(database)
    number = code(11, head)
    other = await known_before(database, keys, f"{wrong}|uscc|{number}", sealed_for=True)
    kept = await known_before(database, keys, f"{right}|uscc|{number}", sealed_for=True)
    assert (await vault(database, keys).look_up([who(stated, "uscc", number)]))[0] == [kept]
    for call in ("resolve", "identify"):
        before = REGISTRY.get_sample_value("creditmesh_split_subjects_total") or 0.0
        found = await getattr(vault(database, keys), call)([who(stated, "uscc", number)])
        assert (found[0] if call == "identify" else found) == [kept]
        assert REGISTRY.get_sample_value("creditmesh_split_subjects_total") == before + 1
    async with database.session() as session:
        assert [tuple(row) for row in await session.fetch("select kept, other from vault.split")] == [(kept, other)]


@pytest.mark.parametrize("call", ["resolve", "identify", "look_up"])
async def test_nine_characters_find_an_organisation_and_never_make_one(database: Database, keys: Keys, call: str):
    """What all 18 were before cannot be computed from them: a subject made by nine would hide the records of 18."""
    await _forget(database)
    before = await known_before(database, keys, f"organisation|uscc|{code(12)}", sealed_for=True)
    eighteen = who("organisation", "uscc", code(12))
    nine, other = (who("organisation", "uscc", code(n)[8:17]) for n in (12, 13))
    asked = vault(database, keys)
    with pytest.raises(WholeCodeNeeded) as caught:
        await getattr(asked, call)([who("natural_person", "resident_id", resident(1)), other, nine])
    assert caught.value.identities == {nine, other}
    assert await asked.find([nine]) == [None]
    assert await asked.resolve([eighteen]) == [before]
    found = await getattr(asked, call)([nine, eighteen])
    assert (found if call == "resolve" else found[0]) == [before, before]
    async with database.session() as session:
        assert await session.fetchval("select count(*) from vault.subject") == 1
        assert await session.fetchval("select count(*) from vault.split") == 0


async def test_nine_characters_beside_all_eighteen_are_theirs(database: Database, keys: Keys):
    await _forget(database)
    before = await known_before(database, keys, f"organisation|uscc|{code(14)}", sealed_for=True)
    whole, nine = (who("organisation", "uscc", number) for number in (code(14), code(14)[8:17]))
    for order in ([whole, nine], [nine, whole]):
        assert await vault(database, keys).resolve(order) == [before, before]


async def test_a_file_found_late_is_told_too(database: Database, keys: Keys):
    """An organisation asked for by a slip in its code first: memory does not answer for the right one."""
    await _forget(database)
    before = await known_before(database, keys, f"organisation|uscc|{code(12)}", sealed_for=True)
    asked = vault(database, keys)
    (new,) = await asked.resolve([who("organisation", "uscc", f"81{code(12)[2:]}")])
    assert new != before
    assert await asked.resolve([who("organisation", "uscc", code(12))]) == [new]
    async with database.session() as session:
        assert [tuple(row) for row in await session.fetch("select kept, other from vault.split")] == [(new, before)]


class Counting:
    """The keys of a process, and how many values were made with them."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self.made = 0

    def mac(self, *given: Any) -> bytes:
        self.made += 1
        return self._keys.mac(*given)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._keys, name)


@pytest.mark.parametrize("call", ["find", "resolve", "identify", "look_up"])
async def test_a_node_that_had_nobody_then_asks_for_no_former_value(database: Database, keys: Keys, call: str):
    await _forget(database)
    counting: Any = Counting(keys)
    new = vault(database, counting, upgraded=False)
    people = [who("natural_person", "hk_macao_permit", f"H{n:08d}") for n in range(50)]
    await getattr(new, call)([*people, who("organisation", "uscc", code(15)[8:17])])
    assert counting.made == 51
    counting.made = 0
    await getattr(vault(database, counting), call)(people)
    assert counting.made == 50 * 102


async def test_others_have_a_turn_while_former_values_are_made(database: Database, keys: Keys):
    await _forget(database)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    people = [who("natural_person", "hk_macao_permit", f"H{n:08d}") for n in range(200)]
    beside = asyncio.create_task(others())
    await asyncio.sleep(0)
    before = turns
    await former_values(keys, [(index_of(keys, each), each) for each in people])
    beside.cancel()
    assert turns - before >= 200 * 101 // 600


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
        await session.execute("truncate vault.split, vault.identity, vault.known, vault.subject")
