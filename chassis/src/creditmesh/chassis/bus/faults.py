"""What a failure means: do it again, wait for the operator, refuse this one event, or forget what is in memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum, auto

import asyncpg

from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.errors import Transient, Unavailable, Uncertain
from creditmesh.schemas.events.reading import UnknownWord

_NO_ROOM = "53"
_PASSING = ("40", "55P03", _NO_ROOM)
_INSTALLATION = ("53100", "0A", "28", "3F", "42", "58", "F0", "XX")
"""A table, a grant, a function or a disk is not as it should be: that says nothing of the event."""
_CANCELLED = "57014"
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
    DOUBT = auto()


def fault_of(error: BaseException, attempt: int) -> Fault:
    """Judge an error of a batch that has been tried `attempt` times before.

    A file that is missing or closed is the installation's fault, like a table that is, and so is a word that only a
    newer version knows: waiting does not mend it, and neither does dropping an event.
    """
    if isinstance(error, Unavailable) and error.__cause__ is not None:
        return fault_of(error.__cause__, attempt)
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
        return Fault.DOUBT
    state = error.sqlstate or ""
    if state == _CANCELLED:
        return Fault.PASSING if attempt < PATIENCE else Fault.PERMANENT
    if state.startswith(_INSTALLATION):
        return Fault.INSTALLATION
    return Fault.PASSING if state.startswith(_PASSING) else Fault.PERMANENT


def ran_out_of_time(error: BaseException) -> bool:
    """Whether a statement took longer than it may."""
    return isinstance(error, DatabaseError) and error.sqlstate == _CANCELLED


def may_go_well(error: BaseException) -> bool:
    """Whether a request that failed so may go well when it is sent again: 503 rather than 500.

    Other than a batch, which waits for whoever clears the disk, a request that found no room is its caller's to send
    again.
    """
    if fault_of(error, attempt=0) in {Fault.PASSING, Fault.DOUBT}:
        return True
    return isinstance(error, DatabaseError) and (error.sqlstate or "").startswith(_NO_ROOM)


@contextmanager
def uncertain_on_failure(what: str) -> Iterator[None]:
    """Turn the failure of a session into Doubt: what is in memory may no longer be true."""
    try:
        yield
    except FAILURES as error:
        raise Uncertain(f"{what}: {type(error).__qualname__}") from error
