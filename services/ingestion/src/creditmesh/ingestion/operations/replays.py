"""A change under an Idempotency-Key is made once: a replay finds what it made and says the same again."""

from collections.abc import Awaitable, Callable

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Conflict, Stale
from creditmesh.chassis.http import idempotency
from creditmesh.chassis.http.idempotency import Once
from creditmesh.ingestion.operations.register import EntryVerdict
from creditmesh.ingestion.store import reviews, revisions
from creditmesh.schemas.verdicts import Verdict


async def once(ctx: Context, asked: Once, change: Callable[[], Awaitable[EntryVerdict]]) -> tuple[Verdict, bool]:
    """The verdict on the change, and whether it is a replay's. idempotency.KeyReused for another change."""
    standing = await _standing(ctx, asked)
    if standing is not None:
        return standing, True
    try:
        outcome = await change()
    except (Stale, Conflict) as refusal:
        if refusal.keep:
            raise
        # An equal request may just have made the very change that is in the way.
        await ctx.rollback()
        standing = await _standing(ctx, asked)
        if standing is None:
            raise
        return standing, True
    reference = outcome.review or outcome.made
    if asked.key is not None and reference is not None:
        await idempotency.remember(ctx, asked.key, asked.digest, reference)
    return _verdict(outcome), False


async def _standing(ctx: Context, asked: Once) -> Verdict | None:
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
    return None if found is None else _verdict(EntryVerdict("corrected", found.record, found.rev, item=found.item))


def _of_review(review: reviews.Review) -> EntryVerdict:
    if review.verdict is None:
        return EntryVerdict("held", review=review.id, item=review.item, reasons=reviews.reasons_of(review))
    made = review.verdict != "refused"
    return EntryVerdict(
        review.verdict,
        review.record if made else None,
        review.rev if made else None,
        review=review.id,
        item=review.item,
    )


def _verdict(outcome: EntryVerdict) -> Verdict:
    return Verdict(
        row=1,
        verdict=outcome.verdict,
        record=outcome.record,
        revision=outcome.revision,
        item=outcome.item,
        review=outcome.review,
        reasons=tuple(outcome.reasons),
    )
