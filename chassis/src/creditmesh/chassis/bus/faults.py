"""What a failed batch means: do it again, refuse it for good, or doubt everything."""

from enum import Enum, auto

import asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from creditmesh.chassis.errors import Transient, Unavailable

_SESSION_ENDED = ("08", "57P", "25P03")
_PASSING = ("40", "55P03", "53")
_CANCELLED = "57014"
_PATIENCE = 3


class Fault(Enum):
    """The kinds of failure."""

    PASSING = auto()
    PERMANENT = auto()
    DOUBT = auto()


def fault_of(error: BaseException, attempt: int) -> Fault:
    """Judge an error of a batch that has been done again `attempt` times.

    A statement that ran out of time is done again three times only: it may be the event that makes it slow.
    """
    if isinstance(error, Unavailable) and error.__cause__ is not None:
        return fault_of(error.__cause__, attempt)
    if isinstance(error, Transient | Unavailable | PoolTimeout):
        return Fault.PASSING
    if isinstance(error, DBAPIError):
        return _of_database(error, attempt)
    if isinstance(error, asyncpg.PostgresError | asyncpg.InterfaceError | asyncpg.InternalClientError):
        return _of_driver(error, attempt)
    return Fault.PASSING if isinstance(error, OSError | TimeoutError) else Fault.PERMANENT


def _of_database(error: DBAPIError, attempt: int) -> Fault:
    state = str(getattr(error.orig, "sqlstate", None) or "")
    if isinstance(error.orig, ValueError) or isinstance(getattr(error.orig, "__cause__", None), ValueError):
        return Fault.PERMANENT  # the driver could not encode a value; nothing was sent
    if error.connection_invalidated or isinstance(error, InterfaceError) or state.startswith(_SESSION_ENDED):
        return Fault.DOUBT
    return _of_state(state, attempt)


def _of_driver(error: Exception, attempt: int) -> Fault:
    """The driver's own error: a session that is lost while a pool makes it ready fails so."""
    if isinstance(error, ValueError):
        return Fault.PERMANENT
    state = str(getattr(error, "sqlstate", None) or "")
    if not isinstance(error, asyncpg.PostgresError) or state.startswith(_SESSION_ENDED):
        return Fault.DOUBT
    return _of_state(state, attempt)


def _of_state(state: str, attempt: int) -> Fault:
    if state == _CANCELLED:
        return Fault.PASSING if attempt < _PATIENCE else Fault.PERMANENT
    return Fault.PASSING if state.startswith(_PASSING) else Fault.PERMANENT
