"""Submissions: what was sent, chunk by chunk, with the verdicts that were given."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from creditmesh.chassis.database.connecting import Row
from creditmesh.chassis.database.session import Session
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


_OPEN = """
    insert into ingestion.submission (id, at, legal_date, party, officer, item, item_version, lane, total)
    values (:id, :at, :legal_date, :party, :officer, :item, :item_version, :lane, :total)
"""
_CLOSE = "update ingestion.submission set receipt = :receipt where id = :id"
_ONE = "select * from ingestion.submission where id = :id"
_ADD = f"""
    insert into ingestion.submission_chunk (submission, first_row, last_row, digest, lines, {", ".join(VERDICTS)})
    values (:submission, :first_row, :last_row, :digest, :lines, {", ".join(f":{word}" for word in VERDICTS)})
"""
_CHUNKS = "select * from ingestion.submission_chunk where submission = :submission order by first_row"
_COUNTS = f"""
    select {", ".join(f"coalesce(sum({word}), 0)::integer as {word}" for word in VERDICTS)}
      from ingestion.submission_chunk where submission = :submission
"""


async def open_submission(session: Session, submission: Submission) -> None:
    """Begin a submission."""
    values = {name: getattr(submission, name) for name in Submission.__slots__ if name != "receipt"}
    await session.execute(_OPEN, values)


async def close_submission(session: Session, submission: UUID, *, receipt: str) -> None:
    """Keep the receipt: every chunk is there."""
    await session.execute(_CLOSE, {"id": submission, "receipt": receipt})


async def submission_of(session: Session, submission: UUID) -> Submission | None:
    """One submission by its id."""
    row = await session.row(_ONE, {"id": submission})
    return None if row is None else Submission(**row)


async def add_chunk(session: Session, submission: UUID, chunk: Chunk) -> None:
    """Keep a chunk's verdicts; DatabaseError that breaks a constraint if the chunk is there already."""
    values: dict[str, object] = {
        "submission": submission,
        "first_row": chunk.first_row,
        "last_row": chunk.last_row,
        "digest": chunk.digest,
        "lines": chunk.lines,
    }
    values |= {word: chunk.counts.get(word, 0) for word in VERDICTS}
    await session.execute(_ADD, values)


async def chunks(session: Session, submission: UUID) -> list[Chunk]:
    """The committed chunks, in order."""
    return [_chunk(row) for row in await session.fetch(_CHUNKS, {"submission": submission})]


async def counts(session: Session, submission: UUID) -> dict[VerdictWord, int]:
    """How many verdicts of each kind were given so far."""
    [row] = await session.fetch(_COUNTS, {"submission": submission})
    return _counts(row)


def _chunk(row: Row) -> Chunk:
    return Chunk(
        first_row=row.first_row,
        last_row=row.last_row,
        digest=row.digest,
        counts=_counts(row),
        lines=row.lines,
    )


def _counts(row: Row) -> dict[VerdictWord, int]:
    return {word: row[word] for word in VERDICTS}
