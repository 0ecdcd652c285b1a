"""A vault whose keys stood beside its subjects goes on opening what they sealed, and nothing more."""

from dataclasses import replace
from pathlib import Path

import pytest

from creditmesh.chassis.database.migrating import migrate
from creditmesh.chassis.vault.ciphers import Erased
from creditmesh.chassis.vault.keys import Keys
from creditmesh.chassis.vault.migrations.vault_0001_subjects import OPEN
from creditmesh.chassis.vault.migrations.vault_0005_document_and_number import ADOPT
from creditmesh.chassis.vault.migrations.vault_0006_look_up import LOOK_UP
from creditmesh.chassis.vault.migrations.vault_0008_known import IDENTIFY, RESOLVE
from creditmesh.chassis.vault.subjects import Vault
from tests.chassis.sample import SAMPLE
from tests.chassis.test_vault_subjects import PARTS, person
from tests.support.postgres import Postgres
from tests.support.vaults import KEYS_APART

FORMER = f"""
set role city_ddl;
drop function vault.resolve, vault.identify, vault.open, vault.look_up, vault.adopt;
{KEYS_APART}
{OPEN}{ADOPT}{LOOK_UP}{RESOLVE}{IDENTIFY}
grant execute on function vault.resolve, vault.identify, vault.open, vault.look_up to city_sample;
reset role;
"""


CALLING = replace(SAMPLE, vault=frozenset({"resolve", "open", "identify", "look_up"}))


async def test_keys_move_to_their_subjects_and_who_was_erased_stays_so(postgres: Postgres, tmp_path: Path):
    Keys.create(tmp_path)
    keys = Keys.load(tmp_path, ["index", "data"])
    database = await postgres.database(packages=(CALLING,), parts=PARTS)
    people = [person(number) for number in (1, 2, 3)]

    def anew() -> Vault:
        return Vault(database.pool("sample"), keys, parts=PARTS)

    (known, erased), ciphers = await anew().identify(people[:2])
    (asked,) = await anew().resolve(people[2:])
    sealed = ciphers[known].seal({"a": 1}, object=known, field="f")
    async with database.session() as session:
        await session.execute(FORMER)
        gone = "update vault.data_key set wrapped = null, destroyed_at = clock_timestamp() where subject = $1"
        await session.execute(gone, erased)
        before = await session.fetchrow("select * from vault.data_key where subject = $1", known)
        await migrate(
            postgres.admin, node=database.node, tier="city", parts=PARTS, packages=(CALLING,), secrets=postgres.secrets,
            database=database.name,
        )  # fmt: skip
        after = await session.fetchrow("select * from vault.subject where id = $1", known)
    assert [after[name] for name in ("key_id", "alg", "wrapped", "keyed_at")] == [
        before[name] for name in ("key_id", "alg", "wrapped", "at")
    ]
    assert await anew().resolve(people) == [known, erased, asked]
    opened = await anew().open([known, asked])
    assert opened[known].unseal(sealed, object=known, field="f") == {"a": 1}
    with pytest.raises(Erased):
        await anew().open([erased])
    new, _ = await anew().identify([person(4)])
    assert set(await anew().open(new)) == set(new)
    await database.close()
