"""Bulk writes: COPY through the driver's connection, inside SQLAlchemy's transaction."""

from collections.abc import Iterable, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from creditmesh.chassis.database.driver import driver_of


async def copy(
    connection: AsyncConnection, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> int:
    """Write the rows into `table` (`schema.name`) with one COPY; returns how many were written.

    Values are what asyncpg takes for the column's type; a jsonb column takes JSON text. A broken constraint is
    `sqlalchemy.exc.IntegrityError`, without the values that broke it.
    """
    schema, _, name = table.rpartition(".")
    async with driver_of(connection, doing=f"COPY {table}") as driver:
        status = await driver.copy_records_to_table(name, schema_name=schema or None, columns=columns, records=rows)
    return int(status.rsplit(" ", 1)[-1])
