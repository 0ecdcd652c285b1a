"""What stands in for ingestion's bodies, which a service under test reads where no ingestion is."""

from collections.abc import Iterable

import asyncpg

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.database.roles import quoted, role_of
from creditmesh.chassis.database.session import Session


async def stand_in(session: Session, *, node: str, reader: str) -> None:
    """A table in place of the view, for that service."""
    await session.script(
        "create table bus.body_ingestion (part integer, id uuid, data bytea, primary key (id, part));"
        f"grant select on bus.body_ingestion to {quoted(role_of(node, reader))}"
    )


async def keep(session: asyncpg.Connection, told: Iterable[Delivered]) -> None:
    """Ingestion has written these events, in this superuser's session."""
    rows = [(each.part, each.id, each.data) for each in told]
    await session.executemany("insert into bus.body_ingestion values ($1, $2, $3) on conflict do nothing", rows)
