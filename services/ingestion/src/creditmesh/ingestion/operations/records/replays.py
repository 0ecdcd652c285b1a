"""A change under an Idempotency-Key is made once: a replay finds what it made and says the same again."""

from collections.abc import Awaitable, Callable

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Conflict, Stale
from creditmesh.chassis.http import idempotency
from creditmesh.chassis.http.idempotency import Once
from creditmesh.ingestion.operations.records.register import RowVerdict
from creditmesh.ingestion.store import reviews, revisions
from creditmesh.schemas.verdicts import Verdict


async def idempotent_change(
    ctx: Context, asked: Once, change: Callable[[], Awaitable[RowVerdict]]
) -> tuple[Verdict, bool]:
    """The verdict on the change, and whether it is a replay's. idempotency.KeyReused for another change."""
    before = await _made_before(ctx, asked)
    if before is not None:
        return before, True
    try:
        made = await change()
    except (Stale, Conflict) as refusal:
        if refusal.keep:
            raise
        # An equal request may just have made the very change that is in the way.
        await ctx.rollback()
        before = await _made_before(ctx, asked)
        if before is None:
            raise
        return before, True
    reference = made.review or made.made
    if asked.key is not None and reference is not None:
        await idempotency.remember(ctx, asked.key, asked.digest, reference)
    return _verdict(made), False


async def _made_before(ctx: Context, asked: Once) -> Verdict | None:
    if asked.key is None:
        return None
    async with ctx.transaction() as session:
        reference = await idempotency.recall(ctx, asked.key, asked.digest)
        if reference is None:
            return None
        review = await reviews.review_of(session, reference)
        if review is not None:
            return _verdict(_of_review(review))
        found = await revisions.revision(session, reference, parts=ctx.node.parts)
    return None if found is None else _verdict(RowVerdict("corrected", found.record, found.rev, item=found.item))


def _of_review(review: reviews.Review) -> RowVerdict:
    if review.verdict is None:
        return RowVerdict("held", review=review.id, item=review.item, reasons=reviews.reasons_of(review))
    refused = review.verdict == "refused"
    return RowVerdict(
        review.verdict,
        None if refused else review.record,
        None if refused else review.rev,
        review=review.id,
        item=review.item,
    )


def _verdict(made: RowVerdict) -> Verdict:
    return Verdict(
        row=1,
        verdict=made.verdict,
        record=made.record,
        rev=made.rev,
        item=made.item,
        review=made.review,
        reasons=tuple(made.reasons),
        notices=tuple(made.notices),
    )
