"""How a submission stands: for the party that sent it, and for nobody else."""

from collections.abc import Mapping
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import NotFound
from creditmesh.ingestion import receipts
from creditmesh.ingestion.store import submissions
from creditmesh.ingestion.store.submissions import Chunk, StoredSubmission
from creditmesh.schemas.verdicts import VerdictWord


async def standing_of(ctx: Context, submission: UUID) -> tuple[StoredSubmission, Mapping[VerdictWord, int]]:
    """The caller's submission and the verdicts given so far; NotFound if it is not theirs."""
    found = await submissions.submission_of(await ctx.session(), submission)
    caller = ctx.known_caller
    if found is None or found.party != caller.party or (caller.items is not None and found.item not in caller.items):
        raise NotFound("You have no submission of this id.", "您没有该编号的报送。")
    return found, await submissions.counts(await ctx.session(), submission)


async def chunks_of(ctx: Context, submission: UUID) -> list[Chunk]:
    """The committed chunks of the caller's submission, in order; NotFound if it is not theirs."""
    await standing_of(ctx, submission)
    return await submissions.chunks(await ctx.session(), submission)


async def receipt_of(ctx: Context, submission: UUID) -> bytes:
    """The signed receipt of the caller's submission; NotFound while it is under way, or if it is not theirs.

    It is made from the verdicts that were given, whenever it is asked for: the same again each time.
    """
    found, counts = await standing_of(ctx, submission)
    if sum(counts.values()) < found.total:
        raise NotFound(
            "The submission is not complete; send it again with its key.", "报送尚未完成；请以原键重新发送。"
        )
    chunks = await submissions.chunks(await ctx.session(), submission)
    return receipts.receipt_line(ctx.keys, submission=submission, node=ctx.node.code, item=found.item, chunks=chunks)
