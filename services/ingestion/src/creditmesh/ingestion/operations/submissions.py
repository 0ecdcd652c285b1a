"""Takes a submission in: whatever the shape of its body, every row gets its verdict."""

import asyncio
from collections.abc import Iterable

from creditmesh.chassis.context import Context
from creditmesh.ingestion.errors import NoRows
from creditmesh.ingestion.formats import SubmittedRow
from creditmesh.ingestion.operations.intake import Intake
from creditmesh.ingestion.operations.submission_order import SubmissionOrder, Submitted
from creditmesh.ingestion.operations.submission_run import OtherFirst, Taking

_PAUSE = 1000


async def submit(ctx: Context, order: SubmissionOrder) -> Submitted:
    """Take the rows in and answer with their verdicts.

    UnknownItem or NotAuthorised before anything is read; NoRows; RowRefused for a refused single row; ChunkDiffers and
    idempotency.KeyReused where a key comes back with other rows; Unavailable while events back up.
    """
    intake = Intake.of(ctx, order.item, party=ctx.known_caller.party)
    rows = await _gathered(order.read(intake))
    if not rows:
        raise NoRows("Send at least one row.", "请至少报送一行。")
    try:
        return await Taking(ctx, intake, order, rows).run()
    except OtherFirst as first:
        return await Taking(ctx, intake, order, rows, begun=first.submission).run()


async def _gathered(rows: Iterable[SubmittedRow]) -> list[SubmittedRow]:
    gathered: list[SubmittedRow] = []
    for row in rows:
        gathered.append(row)
        if row.number % _PAUSE == 0:
            await asyncio.sleep(0)
    return gathered
