"""One pass over a submission, a thousand rows a transaction with their verdicts: what was committed is never redone.

With an Idempotency-Key a submission that was cut off goes on where it stood: its chunks are read back, and only the
rest is done. Without one, every row still meets its own record and changes nothing twice.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import zip_longest
from uuid import UUID

from creditmesh.chassis.bus.stream import pressure
from creditmesh.chassis.context import Context
from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.errors import Unavailable
from creditmesh.chassis.http import idempotency
from creditmesh.chassis.vault.cipher import Cipher
from creditmesh.ingestion import receipts
from creditmesh.ingestion.errors import ChunkDiffers, RowRefused
from creditmesh.ingestion.formats import Row
from creditmesh.ingestion.operations.intake import Entry, Intake
from creditmesh.ingestion.operations.order import Order, Submitted
from creditmesh.ingestion.operations.register import Outcome, Register, frame_of
from creditmesh.ingestion.revisions import Lane
from creditmesh.ingestion.store import submissions
from creditmesh.ingestion.store.submissions import Chunk, Submission
from creditmesh.schemas.verdicts import VerdictWord, verdict_line

CHUNK = 1000
"""Rows in one transaction."""
_OLDEST: dict[Lane, float] = {"live": 30.0, "backfill": 5.0}
"""Seconds that the oldest event may wait for its number before intake stops."""
_FURTHEST: dict[Lane, int] = {"live": 2_000_000, "backfill": 200_000}
"""Events that the slowest reader may be behind."""
_ATTEMPTS = 2
_Prepared = tuple[list[Entry], Mapping[UUID, Cipher]]


class OtherFirst(Exception):
    """Another request with the same key has begun the submission."""


class Taking:
    """One pass over a submission's chunks; not to be used again."""

    def __init__(self, ctx: Context, intake: Intake, order: Order, rows: Sequence[Row]) -> None:
        self._ctx = ctx
        self._intake = intake
        self._order = order
        self._rows = rows
        self._id = ctx.new_id()
        self._replayed = False
        self._done: dict[int, Chunk] = {}
        self._receipt: bytes | None = None

    async def run(self) -> Submitted:
        """Do what is not done yet; OtherFirst if another request began it at the same moment: start over."""
        await self._recall()
        await self._take_all([rows for rows in self._runs() if not self._stands(rows)])
        if self._receipt is None and not self._order.dry_run:
            await self._read_receipt()
        chunks = self._chunks()
        return Submitted(
            submission=self._id,
            replayed=self._replayed,
            counts=receipts.added(chunk.counts for chunk in chunks),
            lines=b"".join(chunk.lines for chunk in chunks),
            receipt=self._receipt,
        )

    async def _recall(self) -> None:
        if self._order.key is None or self._order.dry_run:
            return
        async with self._ctx.transaction() as session:
            standing = await idempotency.recall(self._ctx, self._order.key, self._order.digest)
            if standing is not None:
                self._id, self._replayed = standing, True
                self._done = {each.first_row: each for each in await submissions.chunks(session, standing)}

    def _runs(self) -> Iterator[Sequence[Row]]:
        for start in range(0, len(self._rows), CHUNK):
            yield self._rows[start : start + CHUNK]

    def _stands(self, rows: Sequence[Row]) -> bool:
        standing = self._done.get(rows[0].number)
        return standing is not None and bool(_same(standing, rows))

    async def _take_all(self, runs: Sequence[Sequence[Row]]) -> None:
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

    async def _prepared(self, rows: Sequence[Row]) -> _Prepared:
        entries = [self._intake.read(row) for row in rows]
        return entries, await self._intake.identify(entries)

    async def _taken(self, rows: Sequence[Row], prepared: _Prepared) -> Chunk:
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
        async with self._ctx.transaction() as session:
            found = await submissions.chunks(session, self._id)
        return next((chunk for chunk in found if chunk.first_row == first_row), None)

    async def _take(self, rows: Sequence[Row], prepared: _Prepared) -> Chunk:
        ctx, order = self._ctx, self._order
        entries, ciphers = prepared
        async with ctx.transaction() as session:
            found = await pressure(session)
            if found.queue_age > _OLDEST[order.lane] or found.reader_lag > _FURTHEST[order.lane]:
                raise _backed_up()
            frame = frame_of(ctx, self._intake, lane=order.lane, submission=self._id)
            register = await Register.opened(ctx, self._intake, frame, entries=entries, ciphers=ciphers)
            outcomes = [register.settle(entry) for entry in entries]
            if order.single and outcomes[0].verdict == "refused":
                raise RowRefused("See errors.", "原因见 errors。", errors=outcomes[0].reasons)
            chunk = self._chunk(rows, outcomes)
            if order.dry_run:
                await ctx.rollback()
                return chunk
            await self._begin(rows)
            await register.write()
            await submissions.add_chunk(session, self._id, chunk)
            await self._end(chunk)
        return chunk

    async def _begin(self, rows: Sequence[Row]) -> None:
        if self._replayed or rows[0].number != 1:
            return
        ctx, order = self._ctx, self._order
        if order.key is not None:
            standing = await idempotency.remember(ctx, order.key, order.digest, self._id)
            if standing != self._id:
                raise OtherFirst
        caller, item = ctx.known_caller, self._intake.item
        begun = Submission(
            id=self._id,
            party=self._intake.party.code,
            item=item.code,
            item_version=item.number,
            lane=order.lane,
            officer=caller.officer,
            total=len(self._rows),
            at=ctx.instant,
            legal_date=ctx.legal_date,
            receipt=None,
        )
        await submissions.open_submission(await ctx.session(), begun)

    async def _end(self, last: Chunk) -> None:
        if last.last_row != self._rows[-1].number:
            return
        chunks = [*self._chunks(), last]
        receipt = receipts.receipt_of(
            self._ctx.keys,
            submission=self._id,
            node=self._ctx.node.code,
            item=self._intake.item.code,
            counts=receipts.added(chunk.counts for chunk in chunks),
            lines=(chunk.lines for chunk in chunks),
        )
        line = receipts.receipt_line(receipt)
        await submissions.close_submission(await self._ctx.session(), self._id, receipt=line.decode())
        self._receipt = line

    async def _read_receipt(self) -> None:
        async with self._ctx.transaction() as session:
            found = await submissions.submission_of(session, self._id)
        if found is not None and found.receipt is not None:
            self._receipt = found.receipt.encode()

    def _chunks(self) -> list[Chunk]:
        return [self._done[first] for first in sorted(self._done)]

    def _chunk(self, rows: Sequence[Row], outcomes: Sequence[Outcome]) -> Chunk:
        counts: Counter[VerdictWord] = Counter(outcome.verdict for outcome in outcomes)
        item = self._intake.item.code
        ids = not self._order.dry_run
        lines = (
            verdict_line(
                row.number,
                outcome.verdict,
                item=item,
                record=outcome.record if ids or outcome.verdict == "unchanged" else None,
                revision=outcome.revision,
                review=outcome.review if ids else None,
                reasons=outcome.reasons,
            )
            for row, outcome in zip(rows, outcomes, strict=True)
        )
        return Chunk(
            first_row=rows[0].number,
            last_row=rows[-1].number,
            digest=_digest(rows),
            counts=counts,
            lines=b"".join(lines),
        )


def _digest(rows: Sequence[Row]) -> bytes:
    return sha256(b"\n".join(row.text for row in rows)).digest()


def _same(standing: Chunk, rows: Sequence[Row]) -> Chunk:
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
