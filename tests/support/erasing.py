"""Erases a person as the vault keeps it: their data key is destroyed, and no memory of it is left."""

from uuid import UUID

from creditmesh.chassis.vault.subjects import Vault
from tests.support.postgres import Database


async def erase(database: Database, vault: Vault, subject: UUID) -> None:
    """Erase this person, five minutes ago for this vault."""
    async with database.session() as session:
        await session.execute("update vault.subject set wrapped = null, destroyed_at = now() where id = $1", subject)
    vault._ciphers._kept.drop(subject)
