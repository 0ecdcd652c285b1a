"""Submissions: what was sent, chunk by chunk, with the verdicts that were given."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import LargeBinary, Row, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from creditmesh.chassis.database.fetch import fetch
from creditmesh.schemas.verdicts import VERDICTS, VerdictWord


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A run of rows that was committed as one."""

    first_row: int
    last_row: int
    digest: bytes
    counts: Mapping[VerdictWord, int]
    lines: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One submission as it stands; `receipt` is there when it is complete."""

    id: UUID
    party: str
    item: str
    item_version: int
    lane: str
    officer: str | None
    total: int
    at: datetime
    legal_date: date
    receipt: str | None


_OPEN = text("""
    insert into ingestion.submission (id, at, legal_date, party, officer, item, item_version, lane, total)
    values (:id, :at, :legal_date, :party, :officer, :item, :item_version, :lane, :total)
""").bindparams(bindparam("id", type_=Uuid))
_CLOSE = text("update ingestion.submission set receipt = :receipt where id = :id").bindparams(
    bindparam("id", type_=Uuid)
)
_ONE = text("select * from ingestion.submission where id = :id").bindparams(bindparam("id", type_=Uuid))
_ADD = text(f"""
    insert into ingestion.submission_chunk (submission, first_row, last_row, digest, lines, {", ".join(VERDICTS)})
    values (:submission, :first_row, :last_row, :digest, :lines, {", ".join(f":{word}" for word in VERDICTS)})
""").bindparams(
    bindparam("submission", type_=Uuid), bindparam("digest", type_=LargeBinary), bindparam("lines", type_=LargeBinary)
)
_CHUNKS = text("select * from ingestion.submission_chunk where submission = :submission order by first_row").bindparams(
    bindparam("submission", type_=Uuid)
)
_COUNTS = text(f"""
    select {", ".join(f"coalesce(sum({word}), 0)::integer as {word}" for word in VERDICTS)}
      from ingestion.submission_chunk where submission = :submission
""").bindparams(bindparam("submission", type_=Uuid))


async def open_submission(connection: AsyncConnection, submission: Submission) -> None:
    """Begin a submission."""
    values = {name: getattr(submission, name) for name in Submission.__slots__ if name != "receipt"}
    await fetch(connection, _OPEN, values)


async def close_submission(connection: AsyncConnection, submission: UUID, *, receipt: str) -> None:
    """Keep the receipt: every chunk is there."""
    await fetch(connection, _CLOSE, {"id": submission, "receipt": receipt})


async def submission_of(connection: AsyncConnection, submission: UUID) -> Submission | None:
    """One submission by its id."""
    row = (await connection.execute(_ONE, {"id": submission})).mappings().one_or_none()
    return None if row is None else Submission(**(dict(row) | {"id": submission}))


async def add_chunk(connection: AsyncConnection, submission: UUID, chunk: Chunk) -> None:
    """Keep a chunk's verdicts; `store.Collision` if the chunk is there already."""
    values: dict[str, object] = {
        "submission": submission,
        "first_row": chunk.first_row,
        "last_row": chunk.last_row,
        "digest": chunk.digest,
        "lines": chunk.lines,
    }
    values |= {word: chunk.counts.get(word, 0) for word in VERDICTS}
    await fetch(connection, _ADD, values)


async def chunks(connection: AsyncConnection, submission: UUID) -> list[Chunk]:
    """The committed chunks, in order."""
    return [_chunk(row) for row in await connection.execute(_CHUNKS, {"submission": submission})]


async def counts(connection: AsyncConnection, submission: UUID) -> dict[VerdictWord, int]:
    """How many verdicts of each kind were given so far."""
    row = (await connection.execute(_COUNTS, {"submission": submission})).one()
    return _counts(row)


def _chunk(row: Row[Any]) -> Chunk:
    return Chunk(
        first_row=row.first_row,
        last_row=row.last_row,
        digest=row.digest,
        counts=_counts(row),
        lines=row.lines,
    )


def _counts(row: Row[Any]) -> dict[VerdictWord, int]:
    return {word: getattr(row, word) for word in VERDICTS}
