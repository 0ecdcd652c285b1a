"""A change under an Idempotency-Key is made once: a replay finds the case and shows it as it stands now."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Conflict, Stale
from creditmesh.chassis.http import idempotency
from creditmesh.chassis.http.idempotency import Once


async def once(ctx: Context, asked: Once, change: Callable[[], Awaitable[UUID]]) -> tuple[UUID, bool]:
    """The case that the change made or changed, and whether it is a replay's. KeyReused for another change."""
    standing = await _standing(ctx, asked)
    if standing is not None:
        return standing, True
    try:
        made = await change()
    except (Stale, Conflict):
        # An equal request may just have made the very change that is in the way.
        await ctx.rollback()
        standing = await _standing(ctx, asked)
        if standing is None:
            raise
        return standing, True
    if asked.key is not None:
        await idempotency.remember(ctx, asked.key, asked.digest, made)
    return made, False


async def _standing(ctx: Context, asked: Once) -> UUID | None:
    if asked.key is None:
        return None
    return await idempotency.recall(ctx, asked.key, asked.digest)
