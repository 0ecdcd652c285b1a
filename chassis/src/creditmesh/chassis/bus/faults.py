"""What a failed batch means: do it again, refuse it for good, or doubt everything."""

from enum import Enum, auto

from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.errors import Transient, Unavailable

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
    if isinstance(error, Transient | Unavailable):
        return Fault.PASSING
    if isinstance(error, DatabaseError):
        return _of_database(error, attempt)
    return Fault.PASSING if isinstance(error, OSError | TimeoutError) else Fault.PERMANENT


def _of_database(error: DatabaseError, attempt: int) -> Fault:
    if error.unsendable:
        return Fault.PERMANENT  # the driver could not encode a value; nothing was sent
    if error.lost:
        return Fault.DOUBT
    state = error.sqlstate or ""
    if state == _CANCELLED:
        return Fault.PASSING if attempt < _PATIENCE else Fault.PERMANENT
    return Fault.PASSING if state.startswith(_PASSING) else Fault.PERMANENT
