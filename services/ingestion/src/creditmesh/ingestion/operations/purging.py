"""Deleting the records of a slice that have been kept for their term, and telling whoever has of them."""

from typing import NamedTuple
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.ingestion.store import purges
from creditmesh.ingestion.store.purges import RevisionSlice
from creditmesh.schemas.directory import Directory

_ALONE = "select pg_try_advisory_xact_lock(hashtextextended('retention ' || session_user, 0))"


class PurgeTurn(NamedTuple):
    """What a turn did: up to which revision (None: the part is done), and how many records it deleted."""

    until: UUID | None
    purged: int


async def purge_slice(ctx: Context, *, part: int, after: UUID, most: int) -> PurgeTurn | None:
    """Go through the next `most` revisions of a part; None where another process is at it.

    What is due is judged again under the subjects' locks: a record may have been opened again just now.
    """
    session, directory, today = await ctx.session(), ctx.followed(Directory), ctx.legal_date
    if not await session.value(_ALONE):
        return None
    law, terms = directory.law(today), directory.retention(today)
    until = await purges.bound(session, part=part, after=after, most=most)
    found = await purges.due(session, RevisionSlice(part=part, after=after, until=until), law=law, terms=terms)
    purged = []
    if found:
        await ctx.lock({subject for _, subject, _ in found})
        purged = await purges.purge(session, found, law=law, terms=terms)
    for each in purged:
        ctx.emit(each)
    return PurgeTurn(until, len(purged))
