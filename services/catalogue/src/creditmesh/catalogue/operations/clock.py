"""Moving a sandbox's legal date."""

from datetime import date, timedelta

from creditmesh.catalogue.errors import NotASandbox
from creditmesh.chassis.context import Context
from creditmesh.schemas.events import ClockChanged
from creditmesh.schemas.rules.calendar import shanghai_day


async def move_clock(ctx: Context, offset_days: int) -> date:
    """Move the sandbox's legal date to so many days from the real one, and say which day that is.

    NotASandbox on any other node. Processes go by it from the moment they have followed the event.
    """
    if not ctx.node.sandbox:
        raise NotASandbox(
            "This node was not created with CREDITMESH_SANDBOX=true; its legal date is the real one.",
            "该节点创建时未设 CREDITMESH_SANDBOX=true，其业务日期即实际日期。",
        )
    ctx.emit(ClockChanged(offset_days=offset_days))
    return shanghai_day(ctx.instant + timedelta(days=offset_days))
