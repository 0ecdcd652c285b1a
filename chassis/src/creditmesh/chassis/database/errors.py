"""The one error of the database floor: what the server or the driver said, without the values that led to it."""

import asyncpg

from creditmesh.chassis.errors import MeshError

_SESSION_ENDED = ("08", "57P", "25P03", "25006")
"""The connection, the server or the transaction's time ended; or the server takes no writes any more."""


DRIVERS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""What the driver raises of the server, of itself, and of the network, time-outs included."""


class DatabaseError(MeshError):
    """A statement, a commit or a connection that failed.

    `lost`: the session is gone, or it is not known what became of the statement. `unsendable`: the driver could not
    encode a value, so nothing was sent. Else the server answered, with `sqlstate`.
    """

    def __init__(
        self, doing: str, *, kind: str, sqlstate: str | None = None, lost: bool = False, unsendable: bool = False
    ) -> None:
        super().__init__(f"{kind} ({sqlstate or 'no SQLSTATE'}) at: {' '.join(doing.split())[:200]}")
        self.kind = kind
        self.sqlstate = sqlstate
        self.lost = lost
        self.unsendable = unsendable

    @property
    def breaks_constraint(self) -> bool:
        """Whether a constraint of a table refused it."""
        return self.sqlstate is not None and self.sqlstate.startswith("23")

    @classmethod
    def of(cls, error: BaseException, doing: str, *, lost: bool = False) -> "DatabaseError":
        """The driver's or the network's error as ours; its message and its detail may quote values and are left out."""
        unsendable = not lost and (isinstance(error, ValueError) or not isinstance(error, DRIVERS))
        state = error.sqlstate if isinstance(error, asyncpg.PostgresError) else None
        if not unsendable:
            lost = lost or state is None or state.startswith(_SESSION_ENDED)
        return cls(doing, kind=type(error).__qualname__, sqlstate=state, lost=lost, unsendable=unsendable)
