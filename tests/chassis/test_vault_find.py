"""Finding subjects: who is known is found by every process, and nobody becomes known by being looked for."""

from pathlib import Path

from creditmesh.chassis.vault.keys import Keys
from creditmesh.chassis.vault.subjects import Vault
from creditmesh.schemas.pii import Pii
from creditmesh.schemas.rules.identity import Identity
from tests.chassis.sample import OTHER, SAMPLE
from tests.support.postgres import Postgres


async def test_who_is_looked_for_does_not_become_known(postgres: Postgres, tmp_path: Path):
    database = await postgres.database(packages=(SAMPLE, OTHER), parts=5)
    Keys.create(tmp_path)
    keys = Keys.load(tmp_path, ["index", "data"])
    known, stranger = (Identity("natural_person", "resident_id", Pii(f"99000000000000000{n}")) for n in (1, 2))
    (subject,) = await Vault(database.pool("sample"), keys, parts=5).resolve([known])
    other = Vault(database.pool("sample"), keys, parts=5)
    for _ in range(2):
        assert await other.find([stranger, known, known]) == [None, subject, subject]
    async with database.session() as session:
        assert await session.fetchval("select count(*) from vault.subject") == 1
    assert await other.find([]) == []
