"""Locks on subjects: writers of one subject take turns until the end of their transactions.

The lock is an advisory one: the class is the service's (`Service.lock_class`), the key is 32 random bits of the
subject's id. Two subjects that share a key merely wait for each other.
"""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Integer, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from creditmesh.chassis.database.fetch import fetch

# The function scan yields the array in its order, and the array is sorted: every writer locks in the same order.
_LOCK = text("select pg_advisory_xact_lock(:lock_class, key) from unnest(:keys) as key").bindparams(
    bindparam("lock_class", type_=Integer), bindparam("keys", type_=ARRAY(Integer))
)


def lock_key(subject: UUID) -> int:
    """The second half of a subject's lock: the last 32 bits of its id, as a signed integer."""
    return int.from_bytes(subject.bytes[-4:], "big", signed=True)


async def lock_subjects(connection: AsyncConnection, lock_class: int, subjects: Iterable[UUID]) -> None:
    """Lock all these subjects until the transaction ends: sorted, each once, in one statement."""
    keys = sorted({lock_key(subject) for subject in subjects})
    if keys:
        await fetch(connection, _LOCK, {"lock_class": lock_class, "keys": keys})
