"""What a failure means: do it again, wait for the operator, refuse this one event, or forget what is in memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum, auto

import asyncpg

from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.errors import Transient, Unavailable, Uncertain, Unmended
from creditmesh.schemas.events.reading import UnknownWord

_INSTALLATION = ("53100", "0A", "28", "3F", "42", "58", "F0", "XX")
"""A table, a grant, a function or a disk is not as it should be: that says nothing of the event."""
PATIENCE = 3
"""Tries in place; a statement that runs out of time so often may be the event's own fault."""
FAILURES = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    DatabaseError,
    Unavailable,
    OSError,
    TimeoutError,
)
"""What a session raises when it, the server or the way to it fails, and a pool when it has none."""


class Fault(Enum):
    """The kinds of failure."""

    PASSING = auto()
    INSTALLATION = auto()
    PERMANENT = auto()
    UNCERTAIN = auto()


def fault_of(error: BaseException, attempt: int) -> Fault:
    """Judge an error of a batch that has been tried `attempt` times before.

    A file that is missing or closed is the installation's fault, like a table that is, and so is a word that only a
    newer version knows: waiting does not mend it, and neither does dropping an event.
    """
    if isinstance(error, Unavailable) and error.__cause__ is not None:
        return fault_of(error.__cause__, attempt)
    if isinstance(error, Unmended):
        return Fault.INSTALLATION
    if isinstance(error, Transient | Unavailable):
        return Fault.PASSING
    if isinstance(error, DatabaseError):
        return _of_database(error, attempt)
    if isinstance(error, UnknownWord | FileNotFoundError | PermissionError):
        return Fault.INSTALLATION
    return Fault.PASSING if isinstance(error, OSError | TimeoutError) else Fault.PERMANENT


def _of_database(error: DatabaseError, attempt: int) -> Fault:
    if error.unsendable:
        return Fault.PERMANENT  # the driver could not encode a value; nothing was sent
    if error.lost:
        return Fault.UNCERTAIN
    if (error.sqlstate or "").startswith(_INSTALLATION):
        return Fault.INSTALLATION
    if error.ran_out_of_time:
        return Fault.PASSING if attempt < PATIENCE else Fault.PERMANENT
    return Fault.PASSING if error.passing else Fault.PERMANENT


def ran_out_of_time(error: BaseException) -> bool:
    """Whether a statement took longer than it may."""
    return isinstance(error, DatabaseError) and error.ran_out_of_time


@contextmanager
def uncertain_on_failure(what: str) -> Iterator[None]:
    """Turn the failure of a session into Uncertain: what is in memory may no longer be true."""
    try:
        yield
    except FAILURES as error:
        raise Uncertain(f"{what}: {type(error).__qualname__}") from error
