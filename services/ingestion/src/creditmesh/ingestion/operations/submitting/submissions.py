"""Submissions: whatever the shape of a body, every row gets its verdict; and how far one has come, for its party."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import NotFound
from creditmesh.chassis.http import paging
from creditmesh.ingestion import receipts
from creditmesh.ingestion.errors import NoRows
from creditmesh.ingestion.operations.records.finding import days_of
from creditmesh.ingestion.operations.records.intake import Intake
from creditmesh.ingestion.operations.submitting.submission_run import (
    OtherFirst,
    SubmissionOrder,
    SubmissionRun,
    Submitted,
)
from creditmesh.ingestion.store import submissions
from creditmesh.ingestion.store.days import DayPlace
from creditmesh.ingestion.store.submissions import Chunk, StoredSubmission, SubmissionFilter
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.records import SubmissionOut, SubmissionState
from creditmesh.schemas.verdicts import VerdictWord

_LINE = 200
"""Bytes of a verdict, about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionSearch:
    """Which of the caller's submissions; what is None is any."""

    item: str | None
    state: SubmissionState | None
    since: date | None
    until: date | None
    limit: int
    cursor: str | None


async def submit(ctx: Context, order: SubmissionOrder) -> Submitted:
    """Take the rows in and answer with their verdicts.

    UnknownItem, NotAuthorised or UnconfirmedItem before anything is read; NoRows; RowRefused for a refused single row;
    ChunkDiffers and idempotency.KeyReused where a key comes back with other rows; Unavailable while events back up.
    """
    intake = Intake.of(ctx, order.item, party=ctx.known_caller.party)
    intake.assert_collected()
    if order.opening is not None:
        await order.opening()
    async with ctx.equipment.files.turn(order.weight):
        rows = await ctx.equipment.files.read(0 if order.single else order.weight, lambda: list(order.read(intake)))
        if not rows and not order.may_be_empty:
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
        raise NotFound("You have no submission of this id.", "贵单位没有该编号的报送。")
    return found, await submissions.counts(session, submission)


async def submissions_of(ctx: Context, search: SubmissionSearch) -> Page[SubmissionOut]:
    """The caller's submissions, newest first. BadCursor; Malformed where a period ends before it begins.

    A page may be short, or empty, and still have a `next`.
    """
    caller, (since, until) = ctx.known_caller, days_of(search.since, search.until)
    after = paging.read(search.cursor, DayPlace.read)
    items = caller.items if search.item is None else frozenset({search.item}) & (caller.items or {search.item})
    done = None if search.state is None else search.state == "done"
    asked = SubmissionFilter(party=caller.party or "", items=items, done=done, since=since, until=until)
    rows, looked = await submissions.page(await ctx.session(), asked, after=after, limit=search.limit + 1)
    return paging.page(
        rows,
        limit=search.limit,
        place=lambda each: DayPlace(each[0].legal_date, each[0].id),
        shown=lambda each: submission_out(*each),
        caller=caller,
        looked=looked,
    )


def submission_out(found: StoredSubmission, counts: Mapping[VerdictWord, int]) -> SubmissionOut:
    """How a submission stands, as its party is told."""
    done, place = sum(counts.values()), f"/v1/submissions/{found.id}"
    return SubmissionOut(
        submission=found.id,
        item=found.item,
        item_version=found.item_version,
        lane="backfill" if found.lane == "backfill" else "live",
        state="done" if done == found.total else "under_way",
        done=done,
        total=found.total,
        counts=dict(counts),
        at=found.at,
        legal_date=found.legal_date,
        links={"verdicts": f"{place}/verdicts", "receipt": f"{place}/receipt"},
    )


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
            chunk = await submissions.chunk_after(await later.alone(), submission, chunk.first_row)


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
