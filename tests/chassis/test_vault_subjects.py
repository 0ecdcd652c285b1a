"""Subjects: one for one person, whoever asks at once; opened with a key of their own, until it is destroyed."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4
from zlib import crc32

import pytest

from creditmesh.chassis.vault.ciphers import SECONDS_KEPT, Erased, UnknownSubject
from creditmesh.chassis.vault.index import index_of
from creditmesh.chassis.vault.keys import Keys, TwoKeys
from creditmesh.chassis.vault.subjects import Vault
from creditmesh.schemas.pii import Pii
from creditmesh.schemas.rules.identity import Identity
from tests.chassis.sample import OTHER, SAMPLE
from tests.support.postgres import Database, Postgres

PARTS = 5
ROUNDS = 60
KEY = ("key_id", "alg", "wrapped", "keyed_at", "destroyed_at", "closed_at")


@pytest.fixture(scope="module")
async def database(postgres: Postgres) -> AsyncIterator[Database]:
    made = await postgres.database(packages=(SAMPLE, OTHER), parts=PARTS)
    yield made
    await made.close()


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    folder = tmp_path_factory.mktemp("vault")
    Keys.create(folder)
    return Keys.load(folder, ["index", "data"])


def vault(database: Database, keys: Keys, **more: object) -> Vault:
    return Vault(database.pool("sample"), keys, parts=PARTS, **more)  # type: ignore[arg-type]


def person(number: int) -> Identity:
    return Identity("natural_person", "resident_id", Pii(f"990000{number:012d}"))


async def count(database: Database, table: str) -> int:
    async with database.session() as connection:
        return int(await connection.fetchval(f"select count(*) from vault.{table}"))


async def test_the_same_person_is_the_same_subject_for_every_process(database: Database, keys: Keys):
    first, second = vault(database, keys), vault(database, keys)
    a = await first.resolve([person(1), person(2), person(1)])
    assert a[0] == a[2] != a[1]
    assert await second.resolve([person(2), person(1)]) == [a[1], a[0]]
    assert await first.resolve([person(2)]) == [a[1]]


async def test_document_and_number_tell_subjects_apart_and_the_kind_does_not(database: Database, keys: Keys):
    number = Pii("990000000000000777")
    identities = [
        Identity("natural_person", "resident_id", number),
        Identity("sole_trader", "resident_id", number),
        Identity("natural_person", "passport", number),
        Identity("natural_person", "resident_id", Pii("990000000000000778")),
    ]
    first, again, passport, other = await vault(database, keys).resolve(identities)
    assert first == again
    assert len({first, passport, other}) == 3


async def test_overlapping_identities_at_once_give_one_subject_each(database: Database, keys: Keys):
    for round_ in range(ROUNDS):
        people = [person(100_000 + round_ * 20 + n) for n in range(20)]
        before = await count(database, "subject")
        chance = random.Random(round_)
        orders = [chance.sample(people, len(people)) for _ in range(4)]
        answers = await asyncio.gather(*(vault_.resolve(order) for vault_, order in zip(
            _four(database, keys), orders, strict=True)))  # fmt: skip
        seen: dict[str, set[UUID]] = {}
        for order, answer in zip(orders, answers, strict=True):
            for who, subject in zip(order, answer, strict=True):
                seen.setdefault(who.number.reveal(), set()).add(subject)
        assert {len(subjects) for subjects in seen.values()} == {1}
        assert await count(database, "subject") == before + 20


_kept: dict[int, list[Vault]] = {}


def _four(database: Database, keys: Keys) -> list[Vault]:
    # Four processes: each with a pool and a memory of its own.
    if id(database) not in _kept:
        _kept[id(database)] = [vault(database, keys) for _ in range(4)]
    return _kept[id(database)]


async def test_a_thousand_new_people_are_resolved_in_one_call(database: Database, keys: Keys):
    people = [person(500_000 + n) for n in range(1000)]
    subjects = await vault(database, keys).resolve(people)
    assert len(set(subjects)) == 1000
    assert await vault(database, keys).resolve(people) == subjects


async def test_a_subject_has_the_part_of_its_id_and_nothing_that_tells_who_it_is(database: Database, keys: Keys):
    (subject,) = await vault(database, keys).resolve([person(3)])
    assert subject.version == 4
    async with database.session() as connection:
        row = await connection.fetchrow("select * from vault.subject where id = $1", subject)
        found = await connection.fetchrow("select * from vault.identity where subject = $1", subject)
    assert set(row.keys()) == {"id", "part", "at", *KEY}, "of which kind they are is what was said by who asked first"
    assert row["part"] == crc32(str(subject).encode()) % PARTS
    assert bytes(found["index"]) == index_of(keys, person(3))
    assert (found["key_id"], found["alg"]) == (keys.key_id("index"), "hmac-sha256")
    assert "990000" not in f"{dict(row)}{dict(found)}"


async def test_what_is_resolved_stays_although_the_caller_rolls_back(database: Database, keys: Keys):
    own = vault(database, keys)
    async with database.pool("sample").session() as session:
        await session.begin()
        await session.execute("select 1")
        (subject,) = await own.resolve([person(4)])
        await session.rollback()
    assert await vault(database, keys).resolve([person(4)]) == [subject]


async def test_two_processes_that_open_at_once_get_the_same_key(database: Database, keys: Keys):
    for round_ in range(20):
        subjects = await vault(database, keys).resolve([person(200_000 + round_ * 8 + n) for n in range(8)])
        first, second = await asyncio.gather(
            _four(database, keys)[0].open(subjects), _four(database, keys)[1].open(reversed(subjects))
        )
        for subject in subjects:
            sealed = first[subject].seal({"n": round_}, object=subject, field="f")
            assert second[subject].unseal(sealed, object=subject, field="f") == {"n": round_}


async def test_a_key_is_made_once_and_kept_wrapped(database: Database, keys: Keys):
    own = vault(database, keys)
    (subject,) = await own.resolve([person(5)])
    async with database.session() as connection:
        assert await connection.fetchval("select key_id from vault.subject where id = $1", subject) is None
    sealed = (await own.open([subject]))[subject].seal({"a": 1}, object=subject, field="f")
    again = (await vault(database, keys).open([subject]))[subject]
    assert again.unseal(sealed, object=subject, field="f") == {"a": 1}
    async with database.session() as connection:
        row = await connection.fetchrow("select * from vault.subject where id = $1", subject)
    assert (row["key_id"], row["alg"], len(row["wrapped"])) == (keys.key_id("data"), "aes-256-gcm", 12 + 32 + 16)


async def test_one_persons_cipher_does_not_open_another_person(database: Database, keys: Keys):
    own = vault(database, keys)
    a, b = await own.resolve([person(6), person(7)])
    ciphers = await own.open([a, b])
    sealed = ciphers[a].seal({"a": 1}, object=a, field="f")
    with pytest.raises(ValueError, match="does not fit"):
        ciphers[b].unseal(sealed, object=a, field="f")


async def test_an_unknown_subject_is_not_opened_and_gets_no_key(database: Database, keys: Keys):
    before = await count(database, "subject where key_id is not null")
    with pytest.raises(UnknownSubject):
        await vault(database, keys).open([uuid4()])
    assert await count(database, "subject where key_id is not null") == before


async def test_an_erased_person_cannot_be_opened_or_sealed_again(database: Database, keys: Keys):
    now = 0.0
    own = vault(database, keys, seconds=lambda: now)
    subject, bystander = await own.resolve([person(8), person(9)])
    await own.open([subject, bystander])
    async with database.session() as connection:
        await connection.execute(
            "update vault.subject set wrapped = null, destroyed_at = clock_timestamp() where id = $1", subject
        )
    with pytest.raises(Erased) as caught:
        await vault(database, keys).open([bystander, subject])
    assert caught.value.subject == subject
    assert subject in await own.open([subject])  # this process still remembers, for a short while
    now = SECONDS_KEPT
    with pytest.raises(Erased):
        await own.open([subject])
    assert bystander in await own.open([bystander])


async def test_unwrapped_keys_are_let_go_when_their_time_is_over_although_nobody_asks(database: Database, keys: Keys):
    now = 0.0
    own = vault(database, keys, seconds=lambda: now)
    subjects = await own.resolve([person(700_000 + n) for n in range(5)])
    await own.open(subjects)
    held = own._ciphers._kept
    assert len(held) == 5
    assert held._timer is not None
    assert held._timer.when() - asyncio.get_running_loop().time() <= SECONDS_KEPT
    now = SECONDS_KEPT
    held._let_go()  # as its timer does
    assert len(held) == 0
    assert len(await own.open(subjects)) == 5


async def test_a_person_stays_one_when_a_second_index_key_is_put_beside_the_first(
    database: Database, keys: Keys, tmp_path: Path
):
    """Whoever is resolved under another key is a new person: such a process must not start."""
    Keys.create(tmp_path / "a")
    (before,) = await vault(database, Keys.load(tmp_path / "a", ["index", "data"])).resolve([person(13)])
    Keys.create(tmp_path / "b", ["index"])
    second = next((tmp_path / "b").glob("index-*.key"))
    second.rename(tmp_path / "a" / second.name)
    with pytest.raises(TwoKeys, match=r"index.*Move away"):
        Keys.load(tmp_path / "a", ["index", "data"])
    (tmp_path / "a" / second.name).unlink()
    assert await vault(database, Keys.load(tmp_path / "a", ["index", "data"])).resolve([person(13)]) == [before]


async def test_a_service_does_only_what_it_declares(database: Database, keys: Keys):
    resolving, opening = vault(database, keys, allowed={"resolve"}), vault(database, keys, allowed={"open"})
    (subject,) = await resolving.resolve([person(10)])
    with pytest.raises(PermissionError, match="open"):
        await resolving.open([subject])
    with pytest.raises(PermissionError, match="resolve"):
        await opening.resolve([person(10)])
    assert subject in await opening.open([subject])


async def test_memory_is_bounded_and_still_right(database: Database, keys: Keys):
    own = vault(database, keys, remember=3)
    people = [person(600_000 + n) for n in range(40)]
    subjects = await own.resolve(people)
    ciphers = await own.open(subjects)
    assert len(ciphers) == 40
    assert len(own._ciphers) == 3
    assert len(own._subjects) == 30
    assert await own.resolve(people) == subjects
    sealed = ciphers[subjects[0]].seal({"a": 1}, object=subjects[0], field="f")
    assert (await own.open(subjects))[subjects[0]].unseal(sealed, object=subjects[0], field="f") == {"a": 1}


async def test_what_is_known_needs_no_database(database: Database, keys: Keys, postgres: Postgres):
    pool = database.pool("sample", size=1)
    own = Vault(pool, keys, parts=PARTS)
    subjects = await own.resolve([person(11)])
    await own.open(subjects)
    async with pool.session(), asyncio.timeout(60):  # the only one
        assert await own.resolve([person(11)]) == subjects
        assert subjects[0] in await own.open(subjects)


async def test_another_nodes_index_key_finds_nobody(database: Database, keys: Keys, tmp_path: Path):
    Keys.create(tmp_path)
    other = Keys.load(tmp_path, ["index", "data"])
    (ours,) = await vault(database, keys).resolve([person(12)])
    (theirs,) = await vault(database, other).resolve([person(12)])
    assert ours != theirs
    await vault(database, keys).open([ours])
    with pytest.raises(LookupError, match="does not hold"):
        await vault(database, other).open([ours])


async def test_no_identities_and_no_subjects_need_nothing(database: Database, keys: Keys):
    assert await vault(database, keys).resolve([]) == []
    assert await vault(database, keys).open([]) == {}


TOGETHER = """
select count(*) from vault.identity i join vault.subject s on s.id = i.subject
 where s.xmin::text = i.xmin::text and s.cmin::text = i.cmin::text
"""


async def test_index_values_and_subjects_are_written_by_a_statement_each(postgres: Postgres, keys: Keys):
    database = await postgres.database(packages=(SAMPLE, OTHER), parts=PARTS)
    await vault(database, keys).resolve([person(1), person(2)])
    assert await count(database, "subject") == await count(database, "identity") == 2
    async with database.session() as connection:
        assert await connection.fetchval(TOGETHER) == 0, "an engine of many servers need not show the one to the other"
