"""Bulk writes: COPY through the driver's connection, inside SQLAlchemy's transaction."""

from collections.abc import Iterable, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from creditmesh.chassis.database.driver import driver_of, translated


async def copy(
    connection: AsyncConnection, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> int:
    """Write the rows into `table` (`schema.name`) with one COPY; returns how many were written.

    Values are what asyncpg takes for the column's type; a jsonb column takes JSON text. A broken constraint is
    `sqlalchemy.exc.IntegrityError`, without the values that broke it.
    """
    schema, _, name = table.rpartition(".")
    driver = driver_of(connection)
    if driver is None:
        await connection.execute(text("select 1"))
        driver = driver_of(connection)
    if driver is None:
        raise RuntimeError("the connection has no driver in a transaction behind it")
    async with translated(connection, driver, f"COPY {table}"):
        status = await driver.copy_records_to_table(name, schema_name=schema or None, columns=columns, records=rows)
    return int(status.rsplit(" ", 1)[-1])
