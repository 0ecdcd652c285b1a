"""The one error of the database floor: what the server or the driver said, without the values that led to it.

What its kinds mean for a request is said here; what they mean for a batch of events, in `bus.faults`.
"""

import asyncpg

from creditmesh.chassis.errors import MeshError, Transient, Unavailable

_SESSION_ENDED = ("08", "57P", "25P03", "25006")
"""The connection, the server or the transaction's time ended; or the server takes no writes any more."""
_UNDONE = "25"
"""The server said that it did not do it."""
_CANCELLED = "57014"
_PASSING = ("40", "53", "55P03", _CANCELLED)
"""A conflict, no room, a lock, or a statement that ran out of time."""


DRIVERS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""What the driver raises of the server, of itself, and of the network, time-outs included."""


class DatabaseError(MeshError):
    """A statement, a commit or a connection that failed.

    `lost`: the session is gone. `uncertain`: so is the answer to what would have stored something by itself, a commit
    or a statement outside a transaction: it may be done. `unsendable`: the driver could not encode a value, so nothing
    was sent. Else the server answered, with `sqlstate`.
    """

    def __init__(
        self,
        doing: str,
        *,
        kind: str,
        sqlstate: str | None = None,
        lost: bool = False,
        uncertain: bool = False,
        unsendable: bool = False,
    ) -> None:
        super().__init__(f"{kind} ({sqlstate or 'no SQLSTATE'}) at: {' '.join(doing.split())[:200]}")
        self.kind = kind
        self.sqlstate = sqlstate
        self.lost = lost
        self.uncertain = uncertain
        self.unsendable = unsendable

    @property
    def breaks_constraint(self) -> bool:
        """Whether a constraint of a table refused it."""
        return self.sqlstate is not None and self.sqlstate.startswith("23")

    @property
    def ran_out_of_time(self) -> bool:
        """Whether the statement took longer than it may."""
        return self.sqlstate == _CANCELLED

    @property
    def passing(self) -> bool:
        """Whether the server answered that the same may go well a moment later."""
        return (self.sqlstate or "").startswith(_PASSING)

    @classmethod
    def of(cls, error: BaseException, doing: str, *, lost: bool = False, stores: bool = False) -> "DatabaseError":
        """The driver's or the network's error as ours; its message and its detail may quote values and are left out.

        `stores`: what was sent would have stored something by itself.
        """
        unsendable = not lost and (isinstance(error, ValueError) or not isinstance(error, DRIVERS))
        state = error.sqlstate if isinstance(error, asyncpg.PostgresError) else None
        if not unsendable:
            lost = lost or state is None or state.startswith(_SESSION_ENDED)
        uncertain = lost and stores and not (state or "").startswith(_UNDONE)
        return cls(
            doing,
            kind=type(error).__qualname__,
            sqlstate=state,
            lost=lost,
            uncertain=uncertain,
            unsendable=unsendable,
        )


def may_go_well(error: BaseException) -> bool:
    """Whether a request that failed so may go well when it is sent again: 503 rather than 500.

    Other than a batch, which waits for whoever clears the disk, a request that found no room is its caller's to send
    again.
    """
    if isinstance(error, Unavailable) and error.__cause__ is not None:
        return may_go_well(error.__cause__)
    if isinstance(error, DatabaseError):
        return not error.unsendable and (error.lost or error.passing)
    if isinstance(error, FileNotFoundError | PermissionError):
        return False  # the installation's, as a table is that is missing
    return isinstance(error, Transient | Unavailable | OSError)
