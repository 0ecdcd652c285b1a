"""Deleting what has been kept for its term: records, which is told to whoever has of them, and held rows."""

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.ingestion.store import copies, held_rows, purges
from creditmesh.ingestion.store.purges import RetentionRound, RevisionSlice
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import RecordPurged

_FIRST = UUID(int=0)


class PurgeTurn(NamedTuple):
    """What a turn did: whether it went to the end of a part, how many records it deleted, and which it cannot read."""

    ends_part: bool
    purged: int
    unreadable: Collection[UUID]


async def purge_slice(ctx: Context, *, most: int) -> PurgeTurn | None:
    """Go on with the round by `most` revisions; None where another process is at it, or this day's is done.

    The row of the round is leader and memory: whoever holds it goes on where the last turn ended, a round that was not
    done by midnight too. Transient while this process has not followed the catalogue, for nothing brings a record back.
    What is due is judged again under the subjects' locks: a record may have been opened again just now. What cannot be
    read is passed over: it is kept, and met again in the next round.
    """
    session, directory, today = await ctx.session(), ctx.followed(Directory), ctx.legal_date
    at = await purges.lead(session)
    if at is not None and at.part >= ctx.node.parts:
        at = None if at.day == today else RetentionRound(day=today, part=0, after=_FIRST)
    if at is None:
        return None
    await ctx.assert_followed()
    law, terms = directory.law(today), directory.retention(today)
    until = await purges.bound(session, part=at.part, after=at.after, most=most)
    of = RevisionSlice(part=at.part, after=at.after, until=until)
    places, unreadable = await purges.due(session, of, law=law, terms=terms)
    purged = list[RecordPurged]()
    if places:
        await ctx.lock({subject for _, subject, _ in places})
        purged, others = await purges.purge(session, places, law=law, terms=terms)
        unreadable |= others
        await copies.forget(session, [(ctx.part(str(each.record)), each.record, None) for each in purged])
    for each in purged:
        ctx.emit(each)
    part, after = (at.part + 1, _FIRST) if until is None else (at.part, until)
    await purges.move(session, RetentionRound(day=at.day, part=part, after=after))
    return PurgeTurn(until is None, len(purged), unreadable)


async def expire_held_rows(ctx: Context, *, most: int) -> int:
    """Blank at most so many held rows whose term is over: how many. Transient as `purge_slice`."""
    await ctx.assert_followed()
    terms = ctx.followed(Directory).retention(ctx.legal_date)
    return await held_rows.expire(await ctx.session(), terms, as_of=ctx.legal_date, at=ctx.instant, most=most)
