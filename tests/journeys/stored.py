"""What a node has stored, to be compared before and after requests that may store nothing."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Self

import asyncpg

_COUNTED = """
    select c.oid::regclass::text as relation from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname in ('catalogue', 'exchange', 'ingestion', 'matching', 'query', 'repair', 'gateway')
       and c.relkind in ('r', 'p')
       and not c.relispartition
       and c.relname not in ('alembic_version', 'reader_position', 'security_log', 'access', 'copy_head')
"""
"""Not counted: what a node writes by itself, such as where it stands in a feed it copies."""


class Stored:
    """What the node has stored, by table, and how many accesses were recorded, by outcome.

    One session and one statement for all tests: a session reads the catalogue of a thousand partitions first.
    """

    def __init__(self, session: asyncpg.Connection, relations: Sequence[str]) -> None:
        self._session = session
        self._count = " union all ".join(
            f"select '{each}' as relation, count(*) as rows from {each}" for each in relations
        )

    @classmethod
    async def of(cls, session: asyncpg.Connection) -> Self:
        """All tables that a request may write to."""
        relations = [row["relation"] for row in await session.fetch(_COUNTED)]
        assert "ingestion.revision" in relations
        return cls(session, relations)

    async def tables(self) -> dict[str, int]:
        """Rows by table."""
        return {row["relation"]: row["rows"] for row in await self._session.fetch(self._count)}

    async def accesses(self) -> Counter[str]:
        """Recorded accesses by outcome."""
        rows = await self._session.fetch(
            "select data from bus.event where type = 'access.recorded'"
            " union all select data from query.access where id not in (select id from bus.event)"
        )
        return Counter(json.loads(row["data"])["outcome"] for row in rows)
