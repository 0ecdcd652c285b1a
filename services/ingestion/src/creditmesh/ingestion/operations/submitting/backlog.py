"""How far events may back up behind what was submitted before nothing more is taken in."""

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Unavailable
from creditmesh.ingestion.revisions import Lane

_OLDEST: dict[Lane, float] = {"live": 30.0, "backfill": 5.0}
"""Seconds that the oldest event may wait for its number before intake stops."""
_FURTHEST: dict[Lane, int] = {"live": 2_000_000, "backfill": 200_000}
"""Events that the slowest reader may be behind."""


async def is_backed_up(ctx: Context, lane: Lane) -> bool:
    """Whether a submission of this lane has to wait: its events would come behind too many."""
    found = await ctx.equipment.backlog.latest(await ctx.alone())
    return found.queue_age > _OLDEST[lane] or found.reader_lag > _FURTHEST[lane]


def backed_up() -> Unavailable:
    """The refusal of whoever sends meanwhile: a little later there is room."""
    return Unavailable(
        "Events are backing up behind earlier submissions; send it again a little later.",
        "此前报送的事件仍在处理；请稍后重新发送。",
        headers={"Retry-After": "5"},
    )
