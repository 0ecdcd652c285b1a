"""Bulk writes: COPY through the driver's connection, inside SQLAlchemy's transaction."""

from collections.abc import Iterable, Sequence

import asyncpg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

_LOST = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


async def copy(
    connection: AsyncConnection, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> int:
    """Write the rows into `table` (`schema.name`) with one COPY; returns how many were written.

    Values are what asyncpg takes for the column's type; a jsonb column takes JSON text. A broken constraint is
    `sqlalchemy.exc.IntegrityError`, without the values that broke it.
    """
    schema, _, name = table.rpartition(".")
    driver = await _driver(connection)
    try:
        if driver.is_closed() or not driver.is_in_transaction():
            # SQLAlchemy sends BEGIN with the first statement; without one COPY would commit by itself.
            await connection.execute(text("select 1"))
        status = await driver.copy_records_to_table(name, schema_name=schema or None, columns=columns, records=rows)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
        if driver.is_closed():
            await connection.invalidate()  # as SQLAlchemy does for its own statements: the pool makes a new one
        raise _translated(table, error) from None
    return int(status.rsplit(" ", 1)[-1])


async def _driver(connection: AsyncConnection) -> asyncpg.Connection:
    driver: asyncpg.Connection | None = (await connection.get_raw_connection()).driver_connection
    if driver is None:
        raise RuntimeError("the connection has no driver behind it")
    return driver


def _translated(table: str, error: BaseException) -> DBAPIError:
    statement = f"COPY {table}"
    if isinstance(error, asyncpg.PostgresError):
        error.detail = None  # it quotes the offending values
    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        return IntegrityError(statement, None, error, hide_parameters=True)
    if isinstance(error, _LOST):
        return OperationalError(statement, None, error, hide_parameters=True, connection_invalidated=True)
    return DBAPIError(statement, None, error, hide_parameters=True)
