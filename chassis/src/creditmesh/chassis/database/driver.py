"""The driver's connection under SQLAlchemy's, for what must be cheap, in the same transaction."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

_BEGIN = text("select 1")


@asynccontextmanager
async def driver_of(
    connection: AsyncConnection, *, doing: str, alone: bool = False
) -> AsyncIterator[asyncpg.Connection]:
    """The driver's connection, in SQLAlchemy's transaction; `alone`: in none, so that each statement commits by itself.

    An error inside is raised as SQLAlchemy's own (a broken constraint as `sqlalchemy.exc.IntegrityError`), without the
    values that led to it; `doing` is what it says was being done.
    """
    driver: asyncpg.Connection | None = (await connection.get_raw_connection()).driver_connection
    if driver is None:
        raise RuntimeError("the connection has no driver behind it")
    try:
        if driver.is_closed() or not (alone or driver.is_in_transaction()):
            await connection.execute(_BEGIN)  # SQLAlchemy sends BEGIN with its first statement
        yield driver
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        if driver.is_closed():
            await connection.invalidate()  # as SQLAlchemy does for its own statements: the pool makes a new one
        raise _translated(doing, error) from None


def _translated(doing: str, error: BaseException) -> DBAPIError:
    if isinstance(error, asyncpg.PostgresError):
        error.detail = None  # it quotes the offending values
    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        return IntegrityError(doing, None, error, hide_parameters=True)
    if isinstance(error, asyncpg.PostgresConnectionError | asyncpg.InterfaceError | OSError):
        return OperationalError(doing, None, error, hide_parameters=True, connection_invalidated=True)
    return DBAPIError(doing, None, error, hide_parameters=True)
