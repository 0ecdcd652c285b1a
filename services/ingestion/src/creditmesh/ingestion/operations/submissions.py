"""Takes a submission in: whatever the shape of its body, every row gets its verdict."""

import asyncio

from creditmesh.chassis.context import Context
from creditmesh.ingestion.errors import NoRows
from creditmesh.ingestion.formats import SubmittedRow
from creditmesh.ingestion.operations.intake import Intake
from creditmesh.ingestion.operations.submission_order import SubmissionOrder, Submitted
from creditmesh.ingestion.operations.submission_run import OtherFirst, Taking


async def submit(ctx: Context, order: SubmissionOrder) -> Submitted:
    """Take the rows in and answer with their verdicts.

    UnknownItem or NotAuthorised before anything is read; NoRows; RowRefused for a refused single row; ChunkDiffers and
    idempotency.KeyReused where a key comes back with other rows; Unavailable while events back up.
    """
    intake = Intake.of(ctx, order.item, party=ctx.known_caller.party)
    rows = list(order.read(intake)) if order.single else await asyncio.to_thread(_all, order, intake)
    if not rows:
        raise NoRows("Send at least one row.", "请至少报送一行。")
    try:
        return await Taking(ctx, intake, order, rows).run()
    except OtherFirst as first:
        return await Taking(ctx, intake, order, rows, begun=first.submission).run()


def _all(order: SubmissionOrder, intake: Intake) -> list[SubmittedRow]:
    # In a thread of its own: where blank lines stand there is no row after which others could have the process.
    return list(order.read(intake))
