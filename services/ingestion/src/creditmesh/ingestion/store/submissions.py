"""Submissions: what was sent, chunk by chunk, with the verdicts that were given."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from creditmesh.chassis.database.connecting import Row as DatabaseRow
from creditmesh.chassis.database.session import COPY_FROM, Session
from creditmesh.chassis.http import idempotency
from creditmesh.chassis.vault.subjects import KNOW, known_values
from creditmesh.ingestion.store import named, revisions, whole_codes
from creditmesh.ingestion.store.days import DayPlace
from creditmesh.ingestion.store.named import Named
from creditmesh.ingestion.store.whole_codes import Code
from creditmesh.schemas.identifiers import SubjectKind
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
class StoredSubmission:
    """One submission as it was begun."""

    id: UUID
    party: str
    item: str
    item_version: int
    lane: str
    officer: str | None
    total: int
    at: datetime
    legal_date: date


class Written(NamedTuple):
    """What the rows of a chunk made: revisions (as `revisions.COLUMNS`), who is known and named by them, new codes."""

    rows: Sequence[Sequence[object]]
    known: Mapping[UUID, SubjectKind]
    codes: Sequence[Code]
    named: Collection[Named]


_SUBMISSION = StoredSubmission.__slots__
_CHUNK = ("submission", "first_row", "last_row", "digest", "lines", *VERDICTS)
_ADD_CHUNK = f"""
    insert into ingestion.submission_chunk ({", ".join(_CHUNK)}) values ({", ".join(f":{name}" for name in _CHUNK)})
"""
_ADD = f"""
    with revisions as ({revisions.INSERTION}), codes as ({whole_codes.INSERTION}),
    named as ({named.INSERTION}), chunk as ({_ADD_CHUNK})
    select {KNOW}
"""
_BEGIN = f"""
    with submission as (
        insert into ingestion.submission ({", ".join(_SUBMISSION)})
        values ({", ".join(f":{name}" for name in _SUBMISSION)})
    ), chunk as ({_ADD_CHUNK}), revisions as ({revisions.INSERTION}), codes as ({whole_codes.INSERTION}),
    named as ({named.INSERTION}), key as ({idempotency.insertion("ingestion")})
    select cast(:key as text) is null or exists (select from key), {KNOW}
"""
_ONE = f"select {', '.join(_SUBMISSION)} from ingestion.submission where id = :id"
_CHUNKS = "select * from ingestion.submission_chunk where submission = :submission order by first_row"
_CHUNK_AFTER = """
    select * from ingestion.submission_chunk
     where submission = :submission and first_row > :row order by first_row limit 1
"""
_COUNTS = f"""
    select {", ".join(f"coalesce(sum({word}), 0)::integer as {word}" for word in VERDICTS)}
      from ingestion.submission_chunk where submission = :submission
"""
# Newest first. Where only some are wanted, a page ends after as many as it looked at.
_PAGE = f"""
    with looked as materialized (
        select {", ".join(_SUBMISSION)} from ingestion.submission
         where party = :party and legal_date between :since and :until
           and (legal_date, id) < (cast(:day as date), cast(:before as uuid))
         order by legal_date desc, id desc limit :most
    )
    select w.*, c.*
      from looked w
     cross join lateral (
        select {", ".join(f"coalesce(sum({word}), 0)::integer as {word}" for word in VERDICTS)}
          from ingestion.submission_chunk where submission = w.id) c
     order by w.legal_date desc, w.id desc
"""
_MOST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionFilter:
    """Which of a party's submissions: of these items (None: of all), done or not, begun on these legal dates."""

    party: str
    items: Collection[str] | None
    done: bool | None
    since: date
    until: date


async def page(
    session: Session, asked: SubmissionFilter, *, after: DayPlace | None, limit: int
) -> tuple[list[tuple[StoredSubmission, Mapping[VerdictWord, int]]], DayPlace | None]:
    """Submissions with their verdicts, newest first; and where the search ended, if that is before the list's end."""
    narrowed = asked.items is not None or asked.done is not None
    most = max(_MOST, limit) if narrowed else limit
    day, before = after or DayPlace.behind(asked.until)
    values = {"party": asked.party, "since": asked.since, "until": asked.until, "day": day, "before": before}
    rows = await session.fetch(_PAGE, {**values, "most": most})
    listed: list[tuple[StoredSubmission, Mapping[VerdictWord, int]]] = [
        (StoredSubmission(**{name: row[name] for name in _SUBMISSION}), _counts(row)) for row in rows
    ]
    ended = DayPlace(listed[-1][0].legal_date, listed[-1][0].id) if len(rows) == most else None
    return [each for each in listed if _is_asked(asked, *each)][:limit], ended


def _is_asked(asked: SubmissionFilter, stored: StoredSubmission, counts: Mapping[VerdictWord, int]) -> bool:
    if asked.items is not None and stored.item not in asked.items:
        return False
    return asked.done is None or asked.done == (sum(counts.values()) == stored.total)


async def begin(
    session: Session,
    submission: StoredSubmission,
    chunk: Chunk,
    written: Written,
    *,
    key: Mapping[str, object],
) -> bool:
    """Keep a submission, its first chunk with revisions, who is known by them and by which codes, its key.

    The key is as `idempotency.values_of` gives it. False if it stands for something else: then all of this is to be
    rolled back.
    """
    values = {name: getattr(submission, name) for name in _SUBMISSION}
    values |= await _written(session, submission.id, chunk, written)
    return bool(await session.value(_BEGIN, {**values, **key}))


async def add_chunk(session: Session, submission: UUID, chunk: Chunk, written: Written) -> None:
    """Keep a later chunk with its revisions; DatabaseError that breaks a constraint if the chunk is there already."""
    await session.execute(_ADD, await _written(session, submission, chunk, written))


async def submission_of(session: Session, submission: UUID) -> StoredSubmission | None:
    """One submission by its id."""
    row = await session.row(_ONE, {"id": submission})
    return None if row is None else StoredSubmission(**row)


async def chunks(session: Session, submission: UUID) -> list[Chunk]:
    """The committed chunks, in order."""
    return [_chunk(row) for row in await session.fetch(_CHUNKS, {"submission": submission})]


async def chunk_after(session: Session, submission: UUID, row: int) -> Chunk | None:
    """The first committed chunk that begins behind that row; one of no rows ends before it begins."""
    found = await session.row(_CHUNK_AFTER, {"submission": submission, "row": row})
    return None if found is None else _chunk(found)


async def counts(session: Session, submission: UUID) -> dict[VerdictWord, int]:
    """How many verdicts of each kind were given so far."""
    [row] = await session.fetch(_COUNTS, {"submission": submission})
    return _counts(row)


async def _written(session: Session, submission: UUID, chunk: Chunk, written: Written) -> dict[str, object]:
    # Few revisions go into the statement that writes their chunk; many are copied.
    rows = written.rows
    if len(rows) >= COPY_FROM:
        await revisions.write(session, rows)
        rows = ()
    values: dict[str, object] = {"submission": submission, **revisions.few(rows)}
    values |= {name: getattr(chunk, name) for name in ("first_row", "last_row", "digest", "lines")}
    values |= {word: chunk.counts.get(word, 0) for word in VERDICTS}
    values |= {**known_values(written.known), **whole_codes.values(written.codes), **named.values(written.named)}
    return values


def _chunk(row: DatabaseRow) -> Chunk:
    return Chunk(
        first_row=row.first_row,
        last_row=row.last_row,
        digest=row.digest,
        counts=_counts(row),
        lines=row.lines,
    )


def _counts(row: DatabaseRow) -> dict[VerdictWord, int]:
    return {word: row[word] for word in VERDICTS}
