"""Where a session fails, what is in memory may no longer be true: the unit ends and the host starts it anew."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.errors import Doubt

FAILURES = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    DatabaseError,
    OSError,
    TimeoutError,
)
"""What a session raises when it, the server or the way to it fails."""


@contextmanager
def in_doubt(what: str) -> Iterator[None]:
    """Turn the failure of a session into Doubt."""
    try:
        yield
    except FAILURES as error:
        raise Doubt(f"{what}: {type(error).__qualname__}") from error
