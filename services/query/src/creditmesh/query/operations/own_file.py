"""A person's own side: their whole file, who looked, and everything to carry away. Free, and logged like any access."""

from collections.abc import Sequence
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.chassis.http import paging
from creditmesh.query.operations.authorisations import listed
from creditmesh.query.operations.unsealing import answered, others_shown
from creditmesh.query.store import accesses, named
from creditmesh.query.store.accesses import AccessLine
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.queries import AccessLog, AccessOut, AuthorisationOut, ExportOut, FileOut, RecordOut


async def own_file(ctx: Context, subject: UUID, *, purpose: str = "own_file") -> FileOut:
    """Everything visible today that is about the subject or names them, of every source; what is theirs is opened."""
    found = await named.file_of(
        await ctx.alone(),
        part=ctx.part(str(subject)),
        subject=subject,
        as_of=ctx.legal_date,
        withdrawn=ctx.followed(Directory).withdrawn(ctx.legal_date),
    )
    shown = await answered(ctx, found, viewer=subject)
    decision = _disclose(ctx, subject, purpose, shown)
    for other, theirs in others_shown(ctx, found, shown, viewer=subject).items():
        _disclose(ctx, other, purpose, theirs)
    return FileOut(decision_id=decision, as_of=ctx.legal_date, records=shown, copies_at=_copies_at(ctx))


async def own_accesses(ctx: Context, subject: UUID, *, after: str | None, limit: int) -> AccessLog:
    """Who looked, refusals included, newest first; reading it is an access too."""
    session = await ctx.alone()
    part, before = ctx.part(str(subject)), paging.read(after, UUID)
    lines = await accesses.page(session, part=part, subject=subject, before=before, limit=limit + 1)
    _disclose(ctx, subject, "own_accesses", ())
    page = paging.page(lines, limit=limit, place=lambda line: line.id, shown=_out)
    return AccessLog(items=page.items, next=page.next, copies_at=_copies_at(ctx))


async def own_export(ctx: Context, subject: UUID) -> ExportOut:
    """The file, the authorisations and the accesses, whole, in one document."""
    file = await own_file(ctx, subject, purpose="own_export")
    session, part = await ctx.alone(), ctx.part(str(subject))
    return ExportOut(
        decision_id=file.decision_id,
        as_of=file.as_of,
        node=ctx.node.code,
        records=file.records,
        authorisations=await _all_authorisations(ctx, subject),
        accesses=tuple([_out(line) async for line in accesses.every(session, part=part, subject=subject)]),
        copies_at=file.copies_at,
    )


async def _all_authorisations(ctx: Context, subject: UUID) -> tuple[AuthorisationOut, ...]:
    page = await listed(ctx, subject=subject, after=None, limit=500)
    found = list(page.items)
    while page.next is not None:
        page = await listed(ctx, subject=subject, after=page.next, limit=500)
        found += page.items
    return tuple(found)


def _copies_at(ctx: Context) -> tuple[str, ...]:
    """What goes up is looked at there too, and that is in the logs of those nodes; each names the next above it."""
    return tuple(peer.code for peer in ctx.followed(Directory).peers("above"))


def _disclose(ctx: Context, subject: UUID, purpose: str, shown: Sequence[RecordOut | RecordChanged]) -> UUID:
    return ctx.disclose(
        subject,
        purpose=purpose,
        ground="self",
        outcome="nothing" if purpose == "own_file" and not shown else "released",
        items=sorted({record.item for record in shown}),
        records=[record.record for record in shown],
    )


def _out(line: AccessLine) -> AccessOut:
    return AccessOut(at=line.at, **line.event.model_dump(exclude={"subject"}))
