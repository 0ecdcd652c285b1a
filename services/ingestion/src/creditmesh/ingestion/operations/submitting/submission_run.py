"""One pass over a submission, a thousand rows a transaction with their verdicts: what was committed is never redone.

With an Idempotency-Key a submission that was cut off goes on where it stood: that the key stands is found where it is
written, with the first rows; then these are undone, the submission's chunks are read back, and only the rest is done.
Without one, every row still meets its own record and changes nothing twice.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from itertools import zip_longest
from uuid import UUID

from creditmesh.chassis.bulk import in_slices
from creditmesh.chassis.context import Context
from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.errors import Problem
from creditmesh.chassis.http import idempotency
from creditmesh.ingestion import receipts
from creditmesh.ingestion.errors import ChunkDiffers, RowRefused
from creditmesh.ingestion.formats import SubmittedRow
from creditmesh.ingestion.operations.records.intake import Intake, IntakeRow, say_once
from creditmesh.ingestion.operations.records.register import Register, RowVerdict, told
from creditmesh.ingestion.operations.submitting.backlog import backed_up, is_backed_up
from creditmesh.ingestion.revisions import Lane
from creditmesh.ingestion.store import submissions
from creditmesh.ingestion.store.submissions import Chunk, StoredSubmission
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.verdicts import VerdictWord, verdict_line

CHUNK = 1000
"""Rows in one transaction."""
_slices = partial(in_slices, size=1, seconds=0.005)
"""Between any two rows others may have the process: a bad row costs 0.1 ms, the worst one tens of them."""
_MOST_TOLD = 8 * 1024 * 1024
"""Bytes of verdicts after which a row is told its first reason's code and field, without words: they are kept."""
_ATTEMPTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionOrder:
    """What a caller sends in: rows of one item."""

    item: str
    read: Callable[[Intake], Iterable[SubmittedRow]] = field(repr=False)
    """Gives the rows, for the item's headers; it may refuse the body as a whole."""
    opening: Callable[[], Awaitable[None]] | None = field(default=None, repr=False)
    """What has to be done before, and costs much: not for who may not send them."""
    digest: bytes
    weight: int
    """Bytes that reading the rows is worth."""
    key: str | None = None
    lane: Lane = "live"
    dry_run: bool = False
    may_be_empty: bool = False
    """Whether none of its rows is an answer: a header, or an array, that has nothing in it that day."""
    single: bool = False
    """One row whose refusal is the answer to the request, and stores nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """What came of it."""

    submission: UUID
    replayed: bool
    counts: receipts.Counts
    lines: bytes
    """One verdict a row, in the order sent."""
    receipt: bytes | None
    """The last line; None for a dry run."""


class OtherFirst(Exception):
    """An earlier request with the same key has begun this submission."""

    def __init__(self, submission: UUID) -> None:
        super().__init__(submission)
        self.submission = submission


class SubmissionRun:
    """One pass over a submission's chunks; not to be used again."""

    def __init__(
        self,
        ctx: Context,
        intake: Intake,
        order: SubmissionOrder,
        rows: Sequence[SubmittedRow],
        *,
        begun: UUID | None = None,
    ) -> None:
        """`begun` is the submission to go on with; None: a new one."""
        self._ctx = ctx
        self._intake = intake
        self._order = order
        self._rows = rows
        self._id = begun or ctx.new_id()
        self._replayed = begun is not None
        self._done: dict[int, Chunk] = {}
        self._rehearsed: Register | None = None
        """Of a dry run: what its chunks so far would have made."""
        self._left_out: set[str] = set()
        """The names of no field that were said."""

    async def run(self) -> Submitted:
        """Do what is not done yet; OtherFirst names the submission that the caller's key stands for: go on with it."""
        if self._replayed:
            self._done = {chunk.first_row: chunk for chunk in await self._stored()}
        if self._ctx.vault.upgraded:
            await self._intake.meet_codes(self._rows)
        await self._run_all([rows for rows in self._chunks() if not self._is_done(rows)])
        chunks = [self._done[first] for first in sorted(self._done)]
        return Submitted(
            submission=self._id,
            replayed=self._replayed,
            counts=receipts.added(chunk.counts for chunk in chunks),
            lines=b"".join(chunk.lines for chunk in chunks),
            receipt=None if self._order.dry_run or self._order.single else self._receipt(chunks),
        )

    async def _stored(self) -> list[Chunk]:
        return await submissions.chunks(await self._ctx.alone(), self._id)

    def _chunks(self) -> Iterator[Sequence[SubmittedRow]]:
        for start in range(0, max(len(self._rows), 1), CHUNK):
            yield self._rows[start : start + CHUNK]

    def _is_done(self, rows: Sequence[SubmittedRow]) -> bool:
        stored = self._done.get(_first(rows))
        return stored is not None and bool(_same(stored, rows))

    async def _run_all(self, chunks: Sequence[Sequence[SubmittedRow]]) -> None:
        # While one chunk waits for the database, the next is read and finds its subjects.
        ahead: asyncio.Task[list[IntakeRow]] | None = None
        try:
            for rows, following in zip_longest(chunks, chunks[1:]):
                prepared = await (self._prepared(rows) if ahead is None else ahead)
                ahead = None if following is None else asyncio.create_task(self._prepared(following))
                chunk = await self._committed(rows, prepared)
                self._done[chunk.first_row] = chunk
        finally:
            if ahead is not None:
                ahead.cancel()
                await asyncio.gather(ahead, return_exceptions=True)

    async def _prepared(self, rows: Sequence[SubmittedRow]) -> list[IntakeRow]:
        prepared = [self._intake.read(row) async for some in _slices(rows) for row in some]
        say_once(prepared, self._left_out)
        await self._intake.identify(prepared, dry_run=self._order.dry_run)
        return prepared

    async def _committed(self, rows: Sequence[SubmittedRow], prepared: Sequence[IntakeRow]) -> Chunk:
        attempts = 0
        while True:
            try:
                return await self._commit(rows, prepared)
            except DatabaseError as error:
                if not error.breaks_constraint:
                    raise
                attempts += 1
                stored = next((each for each in await self._stored() if each.first_row == _first(rows)), None)
                if stored is not None:
                    return _same(stored, rows)
                if attempts == _ATTEMPTS:
                    raise

    async def _commit(self, rows: Sequence[SubmittedRow], prepared: Sequence[IntakeRow]) -> Chunk:
        ctx, order = self._ctx, self._order
        await self._assert_room()
        async with ctx.transaction() as session:
            register = self._rehearsed or self._register()
            await register.open([row.candidate for row in prepared if row.candidate is not None])
            verdicts = [told(register.settle(row), row) async for some in _slices(prepared) for row in some]
            if order.single and verdicts[0].verdict == "refused":
                await self._refuse(RowRefused("See errors.", "原因见 errors。", errors=verdicts[0].reasons))
            chunk = await self._chunk(rows, verdicts)
            if order.dry_run:
                self._rehearsed = register.rehearsed()
                await ctx.rollback()
                return chunk
            await self._write(session, chunk, register)
        return chunk

    def _register(self) -> Register:
        return Register(self._ctx, self._intake.attribution(lane=self._order.lane, submission=self._id))

    async def _assert_room(self) -> None:
        if await is_backed_up(self._ctx, self._order.lane):
            await self._refuse(backed_up())

    async def _refuse(self, refusal: Problem) -> None:
        """Raise this refusal of the whole request; but a replay is answered with what was answered before."""
        if not self._order.dry_run and not self._replayed:
            await self._assert_first()
        raise refusal

    async def _assert_first(self) -> None:
        key = self._order.key
        begun = None if key is None else await idempotency.recall(self._ctx, key, self._order.digest)
        if begun is not None:
            raise OtherFirst(begun)

    async def _write(self, session: Session, chunk: Chunk, register: Register) -> None:
        written = register.book.written
        if self._replayed or chunk.first_row != 1:
            await submissions.add_chunk(session, self._id, chunk, written)
        else:
            key = idempotency.values_of(self._ctx, self._order.key, self._order.digest, self._id)
            if not await submissions.begin(session, self._submission(), chunk, written, key=key):
                await self._assert_first()
        await register.write_beside()

    def _submission(self) -> StoredSubmission:
        caller, item = self._ctx.known_caller, self._intake.item
        return StoredSubmission(
            id=self._id,
            party=self._intake.party.code,
            item=item.code,
            item_version=item.number,
            lane=self._order.lane,
            officer=caller.officer,
            total=len(self._rows),
            at=self._ctx.instant,
            legal_date=self._ctx.legal_date,
        )

    def _receipt(self, chunks: Sequence[Chunk]) -> bytes:
        return receipts.receipt_line(
            self._ctx.keys,
            submission=self._id,
            node=self._ctx.node.code,
            item=self._intake.item.code,
            chunks=chunks,
        )

    async def _chunk(self, rows: Sequence[SubmittedRow], verdicts: Sequence[RowVerdict]) -> Chunk:
        counts: Counter[VerdictWord] = Counter(each.verdict for each in verdicts)
        told, lines = sum(len(chunk.lines) for chunk in self._done.values()), list[bytes]()
        async for some in _slices(list(zip(rows, verdicts, strict=True))):
            for row, verdict in some:
                lines.append(self._line(row, verdict, brief=told > _MOST_TOLD))
                told += len(lines[-1])
        return Chunk(
            first_row=_first(rows),
            last_row=rows[-1].number if rows else 0,
            digest=_digest(rows),
            counts=counts,
            lines=b"".join(lines),
        )

    def _line(self, row: SubmittedRow, verdict: RowVerdict, *, brief: bool) -> bytes:
        made = not self._order.dry_run
        known = verdict.verdict == "unchanged" and verdict.reasons[0].code != "repeated"
        return verdict_line(
            row.number,
            verdict.verdict,
            item=self._intake.item.code,
            record=verdict.record if made or known else None,
            rev=verdict.rev,
            review=verdict.review if made else None,
            reasons=_without_words(verdict.reasons) if brief else verdict.reasons,
            line=row.line,
            notices=(*row.notices, *verdict.notices),
        )


def _first(rows: Sequence[SubmittedRow]) -> int:
    """The number of the first row of a chunk; what has no rows is one chunk all the same."""
    return rows[0].number if rows else 1


def _digest(rows: Sequence[SubmittedRow]) -> bytes:
    return sha256(b"\n".join(row.text for row in rows)).digest()


def _without_words(reasons: Sequence[FieldError]) -> Sequence[FieldError]:
    return [each.model_copy(update={"detail": "", "detail_zh": ""}) for each in reasons[:1]]


def _same(stored: Chunk, rows: Sequence[SubmittedRow]) -> Chunk:
    if stored.digest != _digest(rows):
        raise ChunkDiffers(
            "Use a new key for other rows, or send the first body again.",
            "新数据请使用新的键，或重新发送原请求正文。",
        )
    return stored
