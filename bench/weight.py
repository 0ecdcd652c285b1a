"""What a record weighs: rows, bytes and WAL in each table of each node that it passes on its way up.

Files are handed in at the city, and the chain works them off. Rows are those inserted, bytes by how much a table has
grown with its indexes, whatever was deleted since. WAL is read from the server's own log, record by record; of what
belongs to no table (commits, and what the system's catalogues cost) only the sum is told.
"""

import asyncio
import re
import subprocess
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.figures import Table
from bench.ingest import BATCH, REQUESTS, Result, Taking, Way
from bench.standing import Sessions, Standing, chain_drained
from creditmesh.chassis.database.places import binaries, run_as
from creditmesh.schemas.identifiers import NodeCode

COUNT = BATCH * REQUESTS
WAY = Way("new", 2)
LONGEST, STATISTICS, LEAST = 300.0, 11, 1
"""Seconds for the chain, and until a resting session has told its statistics; bytes below which no table is listed."""
NUMBERS = ("rows", "stored bytes", "WAL bytes")
# Held by this session: the server keeps what is to be read.
_HOLD = "select pg_create_physical_replication_slot('bench_weight', true, true)"
_HERE = "select pg_current_wal_insert_lsn()::text"
_TABLES = """
    select coalesce(pg_partition_root(s.relid), s.relid)::regclass::text as name,
           sum(s.n_tup_ins)::bigint as rows, sum(pg_total_relation_size(s.relid))::bigint as bytes
      from pg_stat_user_tables s group by 1
"""
# Of a table, of its indexes, of what it keeps beside it, and of the index of that.
_FILES = """
    select pg_relation_filenode(c.oid)::bigint as file,
           coalesce(pg_partition_root(t.oid), t.oid)::regclass::text as name
      from pg_class c
      left join pg_index i on i.indexrelid = c.oid
      left join pg_class beside on beside.reltoastrelid = coalesce(i.indrelid, c.oid)
      join pg_class t on t.oid = coalesce(beside.oid, i.indrelid, c.oid)
      join pg_namespace n on n.oid = t.relnamespace and n.nspname !~ '^pg_|^information_schema$'
     where c.relkind in ('r', 'i', 't') and pg_relation_filenode(c.oid) is not null
"""
_DATABASE = "select oid::bigint from pg_database where datname = current_database()"
_RECORD = re.compile(r"len \(rec/tot\):\s*\d+/\s*(\d+),.*?blkref #0: rel \d+/(\d+)/(\d+)")
Place = tuple[NodeCode, str]
File = tuple[int, int]
"""Of which database, and which of its files."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What a table has taken so far, and how large it is."""

    rows: int
    bytes: int


_NOTHING = Stored(0, 0)


async def measure(standing: Standing) -> Table:
    """Every table of every node that took anything, the heaviest first; then each node, and the server."""
    async with standing.sessions() as sessions:
        taking = Taking(standing, sessions["city"], orders=5_000_000, subjects=300_000)
        await taking.send(WAY, Result())
        await chain_drained(sessions, LONGEST)
        city = sessions["city"]
        await city.execute(_HOLD)
        before, begin = await _stored(sessions), await city.fetchval(_HERE)
        await taking.hand_in(WAY)
        await chain_drained(sessions, LONGEST)
        after, end = await _stored(sessions), await city.fetchval(_HERE)
        total = await city.fetchval("select ($1::text::pg_lsn - $2::text::pg_lsn)::float8", end, begin)
        files = await _files(sessions)
        wal = await asyncio.to_thread(_logged, standing.sandbox.server.place / "cluster" / "pg_wal", begin, end, files)
    return _table(standing, before, after, wal, total)


def _table(
    standing: Standing, before: dict[Place, Stored], after: dict[Place, Stored], wal: Counter[Place], total: float
) -> Table:
    table = Table(f"weight: {COUNT:,} records of new subjects from the city to the nation; to a record")
    for code in standing.codes:
        rows = [_row(each, before.get(each, _NOTHING), after[each], wal[each]) for each in after if each[0] == code]
        table.rows += sorted((row for row in rows if _counts(row)), key=lambda row: -row["WAL bytes"])
        table.rows.append({"": f"{code}, all"} | {of: sum(row[of] for row in rows) for of in NUMBERS})
    rest = total - sum(wal.values())
    table.rows.append({"": "commits and the system's catalogues", "WAL bytes": rest / COUNT})
    table.rows.append({"": "everything", "WAL bytes": total / COUNT})
    table.notes = [
        "rows: inserted, also those that are gone again; stored bytes: with the indexes; WAL: with full page images.",
        f"Left out are tables with less than {LEAST} byte of WAL a record; they are in the sums.",
    ]
    return table


def _row(place: Place, before: Stored, after: Stored, wal: int) -> dict[str, Any]:
    node, table = place
    amounts = (after.rows - before.rows, after.bytes - before.bytes, wal)
    return {"": f"{node} {table}"} | {of: amount / COUNT for of, amount in zip(NUMBERS, amounts, strict=True)}


def _counts(row: dict[str, Any]) -> bool:
    return any(row[of] >= LEAST for of in NUMBERS[1:])


async def _stored(sessions: Sessions) -> dict[Place, Stored]:
    await asyncio.sleep(STATISTICS)
    return {
        (code, row["name"]): Stored(row["rows"], row["bytes"])
        for code, session in sessions.items()
        for row in await session.fetch(_TABLES)
    }


async def _files(sessions: Sessions) -> dict[File, Place]:
    """Of which table of which node a file is."""
    return {
        (await session.fetchval(_DATABASE), row["file"]): (code, row["name"])
        for code, session in sessions.items()
        for row in await session.fetch(_FILES)
    }


def _logged(folder: Path, begin: str, end: str, files: Mapping[File, Place]) -> Counter[Place]:
    """The bytes of the log's records from the one place to the other, each by the table of the first block it is of."""
    command = [str(binaries(run_as()) / "pg_waldump"), "--path", str(folder), "--start", begin, "--end", end]
    found = Counter[Place]()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as dump:  # noqa: S603 - our own words
        for line in dump.stdout or ():
            if (record := _RECORD.search(line)) is not None:
                length, database, file = map(int, record.groups())
                if (place := files.get((database, file))) is not None:
                    found[place] += length
    return found
