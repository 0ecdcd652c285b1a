"""Bodies as the database has them, read and altered; and what stands in for ingestion's, where no ingestion is."""

from collections.abc import Iterable
from typing import Any

import asyncpg
import orjson
import zstandard

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.database.roles import quoted, role_of
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.packing import pack, unpack


async def stand_in(session: Session, *, node: str, reader: str) -> None:
    """A table in place of the view, for that service."""
    await session.script(
        "create table bus.body_ingestion (part integer, id uuid, data bytea, primary key (id, part));"
        f"grant select on bus.body_ingestion to {quoted(role_of(node, reader))}"
    )


async def keep(session: asyncpg.Connection, told: Iterable[Delivered]) -> None:
    """Ingestion has written these events, in this superuser's session."""
    rows = [(each.part, each.id, pack(each.body)) for each in told]
    await session.executemany("insert into bus.body_ingestion values ($1, $2, $3) on conflict do nothing", rows)


def said(data: bytes) -> dict[str, Any]:
    """What a body says that is kept."""
    found: dict[str, Any] = orjson.loads(unpack(data))
    return found


def body_of(entry: asyncpg.Record) -> str | None:
    """The body of a row of a feed, with its columns body and packed."""
    return entry["body"] if entry["packed"] is None else unpack(entry["packed"]).decode()


async def alter(session: asyncpg.Connection, record: object, says: dict[str, Any], *, field: str | None = None) -> None:
    """Behind the node's back all revisions of a record say this too, or one of their fields does."""
    for row in await session.fetch("select part, id, data from ingestion.revision where record = $1", record):
        event = said(row["data"])
        (event if field is None else event[field]).update(says)
        await session.execute(
            "update ingestion.revision set data = $3 where part = $1 and id = $2",
            row["part"], row["id"], pack(orjson.dumps(event)),
        )  # fmt: skip


def of_dictionary(id_: int, body: bytes) -> bytes:
    """The body packed with a dictionary of that id, which no version has."""
    samples = [orjson.dumps({"number": n, "name": f"示例{n}", "code": f"9199{n * 7919:08d}"}) for n in range(2000)]
    made = zstandard.train_dictionary(4096, samples, k=64, d=8, dict_id=id_)
    return zstandard.ZstdCompressor(dict_data=made).compress(body)
