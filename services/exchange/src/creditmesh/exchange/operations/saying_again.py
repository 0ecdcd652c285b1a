"""What was set aside of a feed is said again behind what its readers hold; what is shared meanwhile waits behind it.

The same lines as they stood, under their numbers, of a record all at once; which of them go in is looked at as for
whatever is appended (`numbers`). What is shared no more, or ends further on, goes up without its content.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.exchange.entries import Draft
from creditmesh.exchange.operations import sealing
from creditmesh.exchange.operations.comparing import assert_compared
from creditmesh.exchange.operations.feeds import append_again
from creditmesh.exchange.operations.forgetting import shared_no_more
from creditmesh.exchange.operations.numbers import Given
from creditmesh.exchange.store import answers, lost, set_aside
from creditmesh.exchange.store.lost import COPY, FoundRevision, LostEntry
from creditmesh.exchange.store.set_aside import SetAside
from creditmesh.schemas.exchange import BESIDE_CONTENT, ENDS, KEY, STATE_CHANGES, EntryLine, FeedKeyBody

_AT_ONCE = 100
"""Entries, with all that was set aside of their records."""


async def waiting(ctx: Context) -> list[str]:
    """The feeds of which something is to be said again."""
    return await set_aside.names(await ctx.alone())


async def say_again(ctx: Context, feed: str) -> bool:
    """Move the next that was cut, or say the next of it; whether there was any.

    Not while something of these records is being made again. NotCompared or FeedBehind while the feed lacks what
    readers hold; Transient while this process has not followed the catalogue, which says who they are.
    """
    session = await ctx.session()
    if await set_aside.move(session, feed):
        return True
    rows = await set_aside.next_of(session, feed, limit=_AT_ONCE)
    if not rows:
        return False
    await ctx.assert_followed()
    assert_compared(ctx, feed)
    if rows[0].record is None:
        drafts = await _plain(ctx, feed, rows)
    elif await _is_made_again(ctx, feed, rows):
        drafts = _of_records(rows, closed=shared_no_more(ctx))
    else:
        return False
    await set_aside.gone(session, [row.number for row in rows])
    await append_again(
        ctx, feed, [Given(draft, again=True, said=row.body) for row, draft in zip(rows, drafts, strict=True)]
    )
    return True


async def _plain(ctx: Context, feed: str, rows: Sequence[SetAside]) -> list[Draft]:
    """Keys as they are wrapped to who reads now; all else as it stood."""
    names = {row.number: _key_of(row) for row in rows}
    keys = await sealing.put_again(ctx, feed, {name for name in names.values() if name is not None})
    return [keys.get(names[row.number] or "") or _as_it_stood(row) for row in rows]


def _key_of(row: SetAside) -> str | None:
    """The name of the key that it carries, if it carries one."""
    if row.body is None or EntryLine.model_validate_json(row.line).type != KEY:
        return None
    return FeedKeyBody.model_validate_json(row.body).key


async def _is_made_again(ctx: Context, feed: str, rows: Sequence[SetAside]) -> bool:
    """Whether all of these records that came back is made again; what is one with what was set aside is found here."""
    session = await ctx.session()
    gone = await lost.of_records(session, feed, {row.record for row in rows if row.record is not None})
    judged = await set_aside.judged(session, ctx.node.code, feed, [each.index for each in gone])
    by_revision = {(row.record, row.rev): row for row in rows}
    same = [each for each in gone if _is_it(by_revision.get((each.record, each.rev)), each, judged)]
    if any(each.why is None for each in gone if each not in same):
        return False
    found = [(each, by_revision[each.record, each.rev]) for each in same]
    known = [
        FoundRevision(each.index, row.subject, row.item, row.party)
        for each, row in found
        if row.subject is not None and row.item is not None and row.party is not None
    ]
    await lost.found(session, feed, known)
    await answers.reopen(session, feed, [each.index for each in known])
    return True


def _is_it(row: SetAside | None, entry: LostEntry, judged: AbstractSet[int]) -> bool:
    """Whether both are one revision: of this node's own, as it was judged, for that number has one revision here.

    A number is used once at the origin of what another node sent.
    """
    if row is None or entry.why == COPY:
        return row is not None and EntryLine.model_validate_json(row.line).change == entry.change
    return entry.why is None and entry.index in judged


def _of_records(rows: Sequence[SetAside], *, closed: Collection[str]) -> list[Draft]:
    """The entries of these records, all of each, without content that nobody is to have any more."""
    last = defaultdict[UUID | None, str | None](lambda: None)
    for row in rows:
        if row.change not in BESIDE_CONTENT:
            last[row.record] = row.change
    return [_as_it_stood(row, blank=row.item in closed or last[row.record] in ENDS) for row in rows]


def _as_it_stood(row: SetAside, *, blank: bool = False) -> Draft:
    gone = blank and row.change not in STATE_CHANGES
    return Draft(
        line=row.line,
        salt=None if gone else row.salt,
        body=None if gone else row.body,
        record=row.record,
        rev=row.rev,
        subject=row.subject,
        change=row.change,
        item=row.item,
        party=row.party,
    )
