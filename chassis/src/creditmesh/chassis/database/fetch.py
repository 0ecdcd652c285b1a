"""Statements that every small batch and request makes, at a fraction of their price.

SQLAlchemy's `execute` takes several times the CPU of the driver's (`python -m bench statements`), and a record alone
causes some sixty statements on its way through a chain. SQLAlchemy still writes each, once, and begins, commits and
pools.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Executable
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from creditmesh.chassis.database.driver import driver_of, translated


async def fetch(
    connection: AsyncConnection, statement: Executable, values: Mapping[str, object], *, alone: bool = False
) -> Sequence[Any]:
    """The rows of a statement that is a constant of its module; read them by place, not by name.

    `alone`: in no transaction, so that it commits by itself. Values and columns are what asyncpg takes and gives; none
    may be of a JSON type. Errors are SQLAlchemy's, without values.
    """
    driver = driver_of(connection, alone=alone)
    if driver is None:
        result = await connection.execute(statement, values)
        return result.all() if result.returns_rows else ()
    sql, names = _compiled(statement)
    async with translated(connection, driver, sql):
        rows: Sequence[Any] = await driver.fetch(sql, *[values[name] for name in names])
    return rows


@cache
def _compiled(statement: Executable) -> tuple[str, tuple[str, ...]]:
    compiled = statement.compile(dialect=dialect())  # type: ignore[attr-defined,no-untyped-call] # SQLAlchemy's
    return str(compiled), tuple(compiled.positiontup or ())
