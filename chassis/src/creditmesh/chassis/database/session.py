"""A session: how requests, batches and units speak to PostgreSQL.

A statement outside a transaction commits by itself, in one round trip; `begin` is for where there is more than one. A
session of which it is not known what the server did is ended: after a deadline, a cancellation in the middle of a
statement, or a host that takes no writes any more. Its pool then makes another.
"""

import asyncio
from collections.abc import Awaitable, Hashable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

import asyncpg

from creditmesh.chassis.database.connecting import Row
from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.database.statements import compiled

COPY_FROM = 30
"""From this many rows on COPY, which is two round trips, is cheaper than a prepared insert (`bench statements`)."""
_NOTHING: Mapping[str, object] = MappingProxyType({})

T = TypeVar("T")


class Session:
    """One connection in the hands of one task."""

    __slots__ = ("driver", "share")

    def __init__(self, driver: asyncpg.Connection, share: Hashable = None) -> None:
        self.driver = driver
        """The driver's own connection, for what only it can do (LISTEN)."""
        self.share = share
        """For whom its pool counts it."""

    @property
    def ended(self) -> bool:
        """Whether the session is gone."""
        closed: bool = self.driver.is_closed()
        return closed

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return not self.ended and self.driver.is_in_transaction()

    async def fetch(self, statement: str, values: Mapping[str, object] = _NOTHING) -> Sequence[Row]:
        """The rows of a statement. DatabaseError says what went wrong, without values."""
        sql, names = compiled(statement)
        rows: Sequence[Any] = await self._watched(sql, self.driver.fetch(sql, *[values[name] for name in names]))
        return rows

    async def row(self, statement: str, values: Mapping[str, object] = _NOTHING) -> Row | None:
        """The one row of a statement, or None; ValueError if there are more."""
        rows = await self.fetch(statement, values)
        if len(rows) > 1:
            raise ValueError(f"{len(rows)} rows where one was expected")
        return rows[0] if rows else None

    async def value(self, statement: str, values: Mapping[str, object] = _NOTHING) -> Any:
        """The first column of the first row; None where there is none."""
        rows = await self.fetch(statement, values)
        return rows[0][0] if rows else None

    async def execute(self, statement: str, values: Mapping[str, object] = _NOTHING) -> int:
        """Run a statement whose rows nobody wants; how many it touched."""
        sql, names = compiled(statement)
        status: str = await self._watched(sql, self.driver.execute(sql, *[values[name] for name in names]))
        count = status.rpartition(" ")[2]
        return int(count) if count.isdecimal() else 0

    async def script(self, statements: str) -> None:
        """Run several statements without values, separated by semicolons."""
        await self._watched(statements, self.driver.execute(statements))

    async def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
        """Add rows to `table` (`schema.name`), in their order and all or none; how many.

        Values are what the driver takes for the column's type; a jsonb column takes JSON text.
        """
        given = rows if isinstance(rows, list | tuple) else list(rows)
        if not given:
            return 0
        if len(given) < COPY_FROM:
            places = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
            sql = f"insert into {table} ({', '.join(columns)}) values ({places})"
            await self._watched(sql, self._insert(sql, given))
        else:
            schema, _, name = table.rpartition(".")
            writing = self.driver.copy_records_to_table(
                name, schema_name=schema or None, columns=columns, records=given
            )
            await self._watched(f"COPY {table}", writing)
        return len(given)

    async def begin(self) -> None:
        """Open a transaction."""
        await self._watched("begin", self.driver.execute("begin"))

    async def commit(self, *, lasting: bool = True) -> None:
        """Commit; DatabaseError, `lost`, where it is not known whether that was done.

        Unless it is `lasting` the disk is not waited for: a crash of the server within the second may undo it, but only
        together with all that was committed later (decision 43).
        """
        how = "commit" if lasting else "set local synchronous_commit = off; commit"
        status: str = await self._watched("commit", self.driver.execute(how))
        if status != "COMMIT":  # the transaction had failed before, and the server rolled it back
            raise DatabaseError("commit", kind="RolledBack", sqlstate="25P02")

    async def rollback(self) -> None:
        """Undo what the open transaction did; nothing to do is no error."""
        if self.in_transaction:
            await self._watched("rollback", self.driver.execute("rollback"))

    def end(self) -> None:
        """End the session at once, without waiting for the server."""
        self.driver.terminate()

    async def _insert(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        if len(rows) == 1:
            await self.driver.execute(sql, *rows[0])
        else:
            await self.driver.executemany(sql, rows)  # one round trip, and one transaction

    async def _watched(self, doing: str, work: Awaitable[T]) -> T:
        stores = not self.ended and (doing == "commit" or not (doing == "begin" or self.in_transaction))
        try:
            return await work
        except asyncio.CancelledError:
            self.end()
            raise
        except Exception as error:  # noqa: BLE001 - in a COPY, what an encoder raises comes as it is
            failed = DatabaseError.of(error, doing, stores=stores)
            if failed.lost:
                self.end()
            raise failed from None
