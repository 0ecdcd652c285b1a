"""Submissions: whatever the shape of a body, every row gets its verdict; and how far one has come, for its party."""

from collections.abc import AsyncIterator, Mapping
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import NotFound
from creditmesh.ingestion import receipts
from creditmesh.ingestion.errors import NoRows
from creditmesh.ingestion.operations.records.intake import Intake
from creditmesh.ingestion.operations.submitting.submission_run import (
    OtherFirst,
    SubmissionOrder,
    SubmissionRun,
    Submitted,
)
from creditmesh.ingestion.store import submissions
from creditmesh.ingestion.store.submissions import Chunk, StoredSubmission
from creditmesh.schemas.verdicts import VerdictWord

_LINE = 200
"""Bytes of a verdict, about."""


async def submit(ctx: Context, order: SubmissionOrder) -> Submitted:
    """Take the rows in and answer with their verdicts.

    UnknownItem or NotAuthorised before anything is read; NoRows; RowRefused for a refused single row; ChunkDiffers and
    idempotency.KeyReused where a key comes back with other rows; Unavailable while events back up.
    """
    intake = Intake.of(ctx, order.item, party=ctx.known_caller.party)
    rows = await ctx.equipment.files.read(0 if order.single else order.weight, lambda: list(order.read(intake)))
    if not rows:
        raise NoRows("Send at least one row.", "请至少报送一行。")
    try:
        return await SubmissionRun(ctx, intake, order, rows).run()
    except OtherFirst as first:
        return await SubmissionRun(ctx, intake, order, rows, begun=first.submission).run()


async def progress_of(ctx: Context, submission: UUID) -> tuple[StoredSubmission, Mapping[VerdictWord, int]]:
    """The caller's submission and the verdicts given so far; NotFound if it is not theirs."""
    session = await ctx.alone()
    found = await submissions.submission_of(session, submission)
    caller = ctx.known_caller
    if found is None or found.party != caller.party or (caller.items is not None and found.item not in caller.items):
        raise NotFound("You have no submission of this id.", "您没有该编号的报送。")
    return found, await submissions.counts(session, submission)


async def verdicts_of(ctx: Context, submission: UUID) -> AsyncIterator[bytes]:
    """The verdict lines of the caller's submission, some at a time, in order; NotFound if it is not theirs.

    They are read as they are taken, after this context is over: no session and no megabytes wait for who is slow. Only
    the first are read before, so that who cannot have them is told why.
    """
    await progress_of(ctx, submission)
    return _verdicts(ctx, submission, await submissions.chunk_after(await ctx.alone(), submission, 0))


async def _verdicts(ctx: Context, submission: UUID, chunk: Chunk | None) -> AsyncIterator[bytes]:
    while chunk is not None:
        yield chunk.lines
        async with ctx.afterwards() as later:
            chunk = await submissions.chunk_after(await later.alone(), submission, chunk.last_row)


async def receipt_of(ctx: Context, submission: UUID) -> bytes:
    """The signed receipt of the caller's submission; NotFound while it is under way, or if it is not theirs.

    It is made from the verdicts that were given, whenever it is asked for: the same again each time.
    """
    found, counts = await progress_of(ctx, submission)
    if sum(counts.values()) < found.total:
        raise NotFound(
            "The submission is not complete; send it again with its key.", "报送尚未完成；请以原键重新发送。"
        )
    await ctx.rollback()  # nobody waits with a session
    async with ctx.equipment.files.turn(found.total * _LINE):
        chunks = await submissions.chunks(await ctx.alone(), submission)
        return receipts.receipt_line(
            ctx.keys, submission=submission, node=ctx.node.code, item=found.item, chunks=chunks
        )
