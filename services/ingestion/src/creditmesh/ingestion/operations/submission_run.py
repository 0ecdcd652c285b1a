"""One pass over a submission, a thousand rows a transaction with their verdicts: what was committed is never redone.

With an Idempotency-Key a submission that was cut off goes on where it stood: that the key stands is found where it is
written, with the first rows; then these are undone, the submission's chunks are read back, and only the rest is done.
Without one, every row still meets its own record and changes nothing twice.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from hashlib import sha256
from itertools import zip_longest
from uuid import UUID

from creditmesh.chassis.bulk import in_slices
from creditmesh.chassis.context import Context
from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.errors import Problem, Unavailable
from creditmesh.chassis.http import idempotency
from creditmesh.chassis.vault.cipher import Cipher
from creditmesh.ingestion import receipts
from creditmesh.ingestion.errors import ChunkDiffers, RowRefused
from creditmesh.ingestion.formats import SubmittedRow
from creditmesh.ingestion.operations.intake import Intake, IntakeRow
from creditmesh.ingestion.operations.register import EntryVerdict, Register, frame_of
from creditmesh.ingestion.operations.submission_order import SubmissionOrder, Submitted
from creditmesh.ingestion.revisions import Lane
from creditmesh.ingestion.store import submissions
from creditmesh.ingestion.store.submissions import Chunk, StoredSubmission
from creditmesh.schemas.verdicts import VerdictWord, verdict_line

CHUNK = 1000
"""Rows in one transaction."""
_slices = partial(in_slices, size=20, seconds=0.005)
"""Rows that are read, settled or told before others have the process: a bad row costs 0.1 ms and more."""
_OLDEST: dict[Lane, float] = {"live": 30.0, "backfill": 5.0}
"""Seconds that the oldest event may wait for its number before intake stops."""
_FURTHEST: dict[Lane, int] = {"live": 2_000_000, "backfill": 200_000}
"""Events that the slowest reader may be behind."""
_ATTEMPTS = 2
_Prepared = tuple[list[IntakeRow], Mapping[UUID, Cipher]]


class OtherFirst(Exception):
    """An earlier request with the same key has begun this submission."""

    def __init__(self, submission: UUID) -> None:
        super().__init__(submission)
        self.submission = submission


class Taking:
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

    async def run(self) -> Submitted:
        """Do what is not done yet; OtherFirst names the submission that the caller's key stands for: go on with it."""
        if self._replayed:
            self._done = {chunk.first_row: chunk for chunk in await self._stored()}
        await self._take_all([rows for rows in self._runs() if not self._stands(rows)])
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

    def _runs(self) -> Iterator[Sequence[SubmittedRow]]:
        for start in range(0, len(self._rows), CHUNK):
            yield self._rows[start : start + CHUNK]

    def _stands(self, rows: Sequence[SubmittedRow]) -> bool:
        standing = self._done.get(rows[0].number)
        return standing is not None and bool(_same(standing, rows))

    async def _take_all(self, runs: Sequence[Sequence[SubmittedRow]]) -> None:
        # While one run waits for the database, the next is read and finds its subjects.
        ahead: asyncio.Task[_Prepared] | None = None
        try:
            for rows, following in zip_longest(runs, runs[1:]):
                prepared = await (self._prepared(rows) if ahead is None else ahead)
                ahead = None if following is None else asyncio.create_task(self._prepared(following))
                chunk = await self._taken(rows, prepared)
                self._done[chunk.first_row] = chunk
        finally:
            if ahead is not None:
                ahead.cancel()
                await asyncio.gather(ahead, return_exceptions=True)

    async def _prepared(self, rows: Sequence[SubmittedRow]) -> _Prepared:
        entries = [self._intake.read(row) async for some in _slices(rows) for row in some]
        return entries, await self._intake.identify(entries)

    async def _taken(self, rows: Sequence[SubmittedRow], prepared: _Prepared) -> Chunk:
        attempts = 0
        while True:
            try:
                return await self._take(rows, prepared)
            except DatabaseError as error:
                if not error.breaks_constraint:
                    raise
                attempts += 1
                standing = await self._standing(rows[0].number)
                if standing is not None:
                    return _same(standing, rows)
                if attempts == _ATTEMPTS:
                    raise

    async def _standing(self, first_row: int) -> Chunk | None:
        return next((chunk for chunk in await self._stored() if chunk.first_row == first_row), None)

    async def _take(self, rows: Sequence[SubmittedRow], prepared: _Prepared) -> Chunk:
        ctx, order = self._ctx, self._order
        entries, ciphers = prepared
        await self._assert_room()
        async with ctx.transaction() as session:
            frame = frame_of(ctx, self._intake, lane=order.lane, submission=self._id)
            register = await Register.opened(ctx, self._intake, frame, entries=entries, ciphers=ciphers)
            outcomes = [register.settle(each) async for some in _slices(entries) for each in some]
            if order.single and outcomes[0].verdict == "refused":
                await self._refuse(RowRefused("See errors.", "原因见 errors。", errors=outcomes[0].reasons))
            chunk = await self._chunk(rows, outcomes)
            if order.dry_run:
                await ctx.rollback()
                return chunk
            await self._write(session, chunk, register)
        return chunk

    async def _assert_room(self) -> None:
        found = await self._ctx.equipment.backlog.latest(await self._ctx.alone())
        if found.queue_age > _OLDEST[self._order.lane] or found.reader_lag > _FURTHEST[self._order.lane]:
            await self._refuse(_backed_up())

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
        written = register.revisions
        if self._replayed or chunk.first_row != 1:
            await submissions.add_chunk(session, self._id, chunk, written=written)
        else:
            key = idempotency.values_of(self._ctx, self._order.key, self._order.digest, self._id)
            if not await submissions.begin(session, self._submission(), chunk, written=written, key=key):
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

    async def _chunk(self, rows: Sequence[SubmittedRow], outcomes: Sequence[EntryVerdict]) -> Chunk:
        counts: Counter[VerdictWord] = Counter(outcome.verdict for outcome in outcomes)
        item = self._intake.item.code
        ids = not self._order.dry_run
        told = list(zip(rows, outcomes, strict=True))
        lines = [
            verdict_line(
                row.number,
                outcome.verdict,
                item=item,
                record=outcome.record if ids or outcome.verdict == "unchanged" else None,
                revision=outcome.revision,
                review=outcome.review if ids else None,
                reasons=outcome.reasons,
                line=row.line,
                notices=(*row.notices, *outcome.notices),
            )
            async for some in _slices(told)
            for row, outcome in some
        ]
        return Chunk(
            first_row=rows[0].number,
            last_row=rows[-1].number,
            digest=_digest(rows),
            counts=counts,
            lines=b"".join(lines),
        )


def _digest(rows: Sequence[SubmittedRow]) -> bytes:
    return sha256(b"\n".join(row.text for row in rows)).digest()


def _same(standing: Chunk, rows: Sequence[SubmittedRow]) -> Chunk:
    if standing.digest != _digest(rows):
        raise ChunkDiffers(
            "Use a new key for other rows, or send the first body again.",
            "新数据请使用新的键，或重新发送原请求正文。",
        )
    return standing


def _backed_up() -> Unavailable:
    return Unavailable(
        "Events are backing up behind earlier submissions; send it again a little later.",
        "此前报送的事件仍在处理；请稍后重新发送。",
        headers={"Retry-After": "5"},
    )
