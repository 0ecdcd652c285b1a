"""The one error of the database floor: what the server or the driver said, without the values that led to it."""

import asyncpg

from creditmesh.chassis.errors import MeshError

_SESSION_ENDED = ("08", "57P", "25P03", "25006")
"""The connection, the server or the transaction's time ended; or the server takes no writes any more."""
_UNDONE = "25"
"""The server said that it did not do it."""


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
