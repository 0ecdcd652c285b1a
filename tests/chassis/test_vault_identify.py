"""A subject and its cipher in one call: what `resolve` and `open` give, for who is new, known, unopened or erased."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from creditmesh.chassis.vault.ciphers import SECONDS_KEPT, Erased
from creditmesh.chassis.vault.keys import Keys
from creditmesh.chassis.vault.subjects import Vault
from creditmesh.schemas.pii import Pii
from creditmesh.schemas.rules.identity import Identity
from tests.support.erasing import erase
from tests.support.postgres import Database, Postgres

PARTS = 5


class Package:
    name, package = "sample", "tests.chassis.sample"
    vault = frozenset({"resolve", "open", "identify", "look_up", "kinds", "know"})


class Counting(Vault):
    """A vault that counts its calls to the database."""

    calls = 0

    async def _ask(self, *arguments: Any) -> Sequence[Any]:
        self.calls += 1
        return await super()._ask(*arguments)


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


def vault(database: Database, keys: Keys, **more: Any) -> Counting:
    return Counting(database.pool("sample"), keys, parts=PARTS, **more)


def person(number: int) -> Identity:
    return Identity("natural_person", "resident_id", Pii(f"990000{number:012d}"))


async def test_new_and_known_people_are_identified_in_one_call_and_remembered(database: Database, keys: Keys):
    own, other = vault(database, keys), vault(database, keys)
    known, ciphers = await other.identify([person(1)])
    people = [person(1), person(2), person(1)]
    subjects, opened = await own.identify(people)
    assert own.calls == 1
    assert subjects[0] == subjects[2] == known[0] != subjects[1]
    assert opened.keys() == set(subjects)
    sealed = ciphers[known[0]].seal({"a": 1}, object=known[0], field="f")
    assert opened[known[0]].unseal(sealed, object=known[0], field="f") == {"a": 1}
    assert (await own.identify(people))[0] == subjects
    assert own.calls == 1


async def test_it_agrees_with_resolve_and_open(database: Database, keys: Keys):
    own, other = vault(database, keys), vault(database, keys)
    subjects, opened = await own.identify([person(10), person(11)])
    assert await other.resolve([person(11), person(10)]) == subjects[::-1]
    sealed = opened[subjects[0]].seal({"a": 1}, object=subjects[0], field="f")
    again = (await other.open(subjects))[subjects[0]]
    assert again.unseal(sealed, object=subjects[0], field="f") == {"a": 1}


async def test_who_was_resolved_and_never_opened_gets_a_key(database: Database, keys: Keys):
    (subject,) = await vault(database, keys).resolve([person(20)])
    own = vault(database, keys)
    subjects, opened = await own.identify([person(20), person(21)])
    assert subjects[0] == subject
    assert opened.keys() == set(subjects)
    assert own.calls == 2


async def test_overlapping_people_identified_at_once_have_one_subject_and_one_key_each(database: Database, keys: Keys):
    vaults = [vault(database, keys) for _ in range(4)]
    for round_ in range(20):
        people = [person(1000 + 30 * round_ + n) for n in range(30)]
        answers = await asyncio.gather(
            *(each.identify(people[n:] + people[:n]) for n, each in zip((0, 7, 15, 22), vaults, strict=True))
        )
        assert len({subject for subjects, _ in answers for subject in subjects}) == 30
        first, last = answers[0][1], answers[-1][1]
        for subject in answers[0][0]:
            sealed = first[subject].seal({"n": round_}, object=subject, field="f")
            assert last[subject].unseal(sealed, object=subject, field="f") == {"n": round_}


async def test_keys_that_were_offered_for_nothing_are_not_kept(database: Database, keys: Keys):
    people = [person(2000 + n) for n in range(1000)]
    subjects, _ = await vault(database, keys).identify(people)
    async with database.session() as session:
        before = await session.fetch("select * from vault.subject order by id")
        again = await vault(database, keys).identify(people)
        assert await session.fetch("select * from vault.subject order by id") == before
    assert again[0] == subjects


async def test_an_erased_person_is_not_opened_again(database: Database, keys: Keys):
    now = 0.0
    own = vault(database, keys, seconds=lambda: now)
    subjects, _ = await own.identify([person(30), person(31)])
    async with database.session() as session:
        await session.execute(
            "update vault.subject set wrapped = null, destroyed_at = clock_timestamp() where id = $1", subjects[0]
        )
    for each in (own, vault(database, keys)):
        now = SECONDS_KEPT
        with pytest.raises(Erased) as caught:
            await each.identify([person(31), person(30)])
        assert caught.value.subject == subjects[0]


async def test_who_does_not_declare_it_may_not(database: Database, keys: Keys):
    with pytest.raises(PermissionError, match="identify"):
        await vault(database, keys, allowed={"resolve", "open"}).identify([person(40)])
    assert await vault(database, keys).identify([]) == ([], {})


async def test_looking_up_gives_what_identifying_gives_and_makes_nobody(database: Database, keys: Keys):
    own, known, asked, gone, new = vault(database, keys), person(50), person(51), person(52), person(53)
    (subject, erased), ciphers = await own.identify([known, gone])
    (unopened,) = await own.resolve([asked])
    sealed = ciphers[subject].seal({"a": "1"}, object=subject, field="f")
    await erase(database, own, erased)
    before = await _rows(database)
    other = vault(database, keys)
    found, opened = await other.look_up([known, asked, gone, new, new])
    assert found[:3] == [subject, unopened, erased]
    assert found[3] == found[4] not in found[:3]
    assert set(opened) == {subject, unopened, found[3]}, "who was erased has no cipher"
    assert opened[subject].unseal(sealed, object=subject, field="f") == {"a": "1"}
    assert (await other.look_up([new]))[0] == [found[3]]
    assert await _rows(database) == before
    made, _ = await other.identify([known, asked, new])
    assert made[:2] == found[:2]
    assert made[2] != found[3]
    with pytest.raises(PermissionError, match="look_up"):
        await vault(database, keys, allowed={"identify"}).look_up([known])


async def _rows(database: Database) -> list[tuple[Any, ...]]:
    tables = ("subject", "identity", "split")
    async with database.session() as session:
        counts = [tuple(await session.fetchrow(f"select count(*) from vault.{name}")) for name in tables]
        return [*counts, tuple(await session.fetchrow("select count(key_id), count(wrapped) from vault.subject"))]
