"""The driver's connection beneath SQLAlchemy's, in the same transaction, for what has to be cheap."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

_LOST = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


def driver_of(connection: AsyncConnection, *, alone: bool = False) -> asyncpg.Connection | None:
    """The driver's connection; None where SQLAlchemy has still to begin the transaction, or to say what is wrong.

    SQLAlchemy sends BEGIN with its first statement. `alone`: what is done there commits by itself.
    """
    inner = connection.sync_connection
    if inner is None or inner.closed or inner.invalidated:
        return None
    driver: asyncpg.Connection | None = inner.connection.driver_connection
    if driver is None or driver.is_closed() or not (alone or driver.is_in_transaction()):
        return None
    return driver


@asynccontextmanager
async def translated(connection: AsyncConnection, driver: asyncpg.Connection, doing: str) -> AsyncIterator[None]:
    """Raise the driver's errors as SQLAlchemy's, without the values that led to them; `doing` says what was done.

    Whoever is cancelled in the middle gives the session up, as with SQLAlchemy's own statements: nobody waits for it.
    """
    try:
        yield
    except asyncio.CancelledError:
        await connection.invalidate()
        raise
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
        if driver.is_closed():
            await connection.invalidate()  # as SQLAlchemy does for its own statements: the pool makes a new one
        raise _as_sqlalchemys(doing, error) from None


def _as_sqlalchemys(doing: str, error: BaseException) -> DBAPIError:
    if isinstance(error, asyncpg.PostgresError):
        error.detail = None  # it quotes the offending values
    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        return IntegrityError(doing, None, error, hide_parameters=True)
    if isinstance(error, _LOST):
        return OperationalError(doing, None, error, hide_parameters=True, connection_invalidated=True)
    return DBAPIError(doing, None, error, hide_parameters=True)
